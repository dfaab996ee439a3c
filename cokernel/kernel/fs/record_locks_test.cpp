// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/record_locks.hpp"

#include "cokernel/kernel/fs/testing/kernel.hpp"

#include <catch2/catch.hpp>

#include <thread>

namespace hobbes::lwk::fs {
namespace {

using testing::TestProcess;

constexpr uint32_t F_GETLK = 5, F_SETLK = 6, F_SETLKW = 7;

Sysret open_shared(TestProcess& process) {
  return process.call(sys_open, process.text("/enclave/locked"), O_RDWR | O_CREAT, 0666);
}

Sysret lock(TestProcess& process, Sysret fd, int16_t type, int64_t start, int64_t length, uint32_t command = F_SETLK) {
  const FileLock wanted{type, SEEK_SET, 0, start, length, 0, 0};
  return process.call(sys_fcntl, fd, command, process.put(&wanted, sizeof(wanted)));
}

TEST_CASE("locks of two processes exclude each other where they overlap", "[locks]") {
  TestProcess one, other;
  const Sysret mine = open_shared(one), theirs = open_shared(other);
  CHECK(lock(one, mine, FileLock::write, 10, 10) == 0);
  CHECK(lock(other, theirs, FileLock::read, 19, 1) == -EAGAIN);
  CHECK(lock(other, theirs, FileLock::write, 20, 0) == 0);
  CHECK(lock(one, mine, FileLock::read, 10, 10) == 0);
  CHECK(lock(other, theirs, FileLock::read, 0, 20) == 0);
  CHECK(lock(one, mine, FileLock::write, 10, 10) == -EAGAIN);
  CHECK(lock(other, theirs, FileLock::unlock, 0, 0) == 0);
  CHECK(lock(one, mine, FileLock::write, 0, 0) == 0);
}

TEST_CASE("unlocking a part leaves the rest, and closing any descriptor lets all go", "[locks]") {
  TestProcess one, other;
  const Sysret mine = open_shared(one), theirs = open_shared(other);
  CHECK(lock(one, mine, FileLock::write, 0, 30) == 0);
  CHECK(lock(one, mine, FileLock::unlock, 10, 10) == 0);
  CHECK(lock(other, theirs, FileLock::write, 10, 10) == 0);
  CHECK(lock(other, theirs, FileLock::write, 9, 1) == -EAGAIN);
  CHECK(lock(other, theirs, FileLock::write, 20, 1) == -EAGAIN);
  CHECK(one.call(sys_close, open_shared(one)) == 0);
  CHECK(lock(other, theirs, FileLock::write, 0, 0) == 0);
  CHECK(other.call(sys_close, theirs) == 0);
  CHECK(lock(one, mine, FileLock::write, 0, 0) == 0);
}

TEST_CASE("who holds a lock is told", "[locks]") {
  TestProcess one, other;
  const Sysret mine = open_shared(one), theirs = open_shared(other);
  CHECK(lock(one, mine, FileLock::write, 5, 5) == 0);
  const FileLock wanted{FileLock::read, SEEK_SET, 0, 0, 0, 0, 0};
  const UserAddr at = other.put(&wanted, sizeof(wanted));
  CHECK(other.call(sys_fcntl, theirs, F_GETLK, at) == 0);
  const auto found = other.get<FileLock>(at);
  CHECK(found.type == FileLock::write);
  CHECK(found.start == 5);
  CHECK(found.length == 5);
  CHECK(found.pid == one.process().pid);
  CHECK(lock(other, theirs, 9, 0, 0) == -EINVAL);
  CHECK(lock(other, theirs, FileLock::read, -1, 1) == -EINVAL);
}

TEST_CASE("whoever waits for a lock gets it when it is free", "[locks]") {
  TestProcess one;
  const Sysret mine = open_shared(one);
  REQUIRE(lock(one, mine, FileLock::write, 0, 0) == 0);
  TestProcess other;
  std::thread waiter([&] {
    const TestProcess::Enter enter(other);
    CHECK(lock(other, open_shared(other), FileLock::write, 0, 0, F_SETLKW) == 0);
  });
  {
    const TestProcess::Enter enter(one);
    CHECK(lock(one, mine, FileLock::unlock, 0, 0) == 0);
  }
  waiter.join();
}

}  // namespace
}  // namespace hobbes::lwk::fs
