// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/record_locks.hpp"

#include "cokernel/kernel/fs/testing/kernel.hpp"

#include <catch2/catch.hpp>

#include <thread>

namespace hobbes::lwk::fs {
namespace {

using testing::TestProcess;

FileRef open_in(TestProcess& process) {
  FileRef file;
  REQUIRE(open_file(Caller::of(process.process()), AT_FDCWD, "/enclave/locked", O_RDWR | O_CREAT, 0666, file) == 0);
  return file;
}

FdTable& files_of(TestProcess& process) { return *process.process().files; }

Sysret lock(TestProcess& process, const FileRef& file, int16_t type, int64_t start, int64_t length, bool wait = false) {
  return set_record_lock(files_of(process), file, {type, SEEK_SET, 0, start, length, 0, 0}, wait);
}

TEST_CASE("locks of two processes exclude each other where they overlap", "[locks]") {
  TestProcess one, other;
  const FileRef mine = open_in(one), theirs = open_in(other);
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
  const FileRef mine = open_in(one), theirs = open_in(other);
  CHECK(lock(one, mine, FileLock::write, 0, 30) == 0);
  CHECK(lock(one, mine, FileLock::unlock, 10, 10) == 0);
  CHECK(lock(other, theirs, FileLock::write, 10, 10) == 0);
  CHECK(lock(other, theirs, FileLock::write, 9, 1) == -EAGAIN);
  CHECK(lock(other, theirs, FileLock::write, 20, 1) == -EAGAIN);
  CHECK(files_of(one).close(files_of(one).add(open_in(one), false)) == 0);
  CHECK(lock(other, theirs, FileLock::write, 0, 0) == 0);
  CHECK(files_of(other).replace(files_of(other).add(theirs, false), mine, false) >= 0);
  CHECK(lock(one, mine, FileLock::write, 0, 0) == 0);
}

TEST_CASE("a process that ends leaves no lock behind", "[locks]") {
  TestProcess one;
  const FileRef file = open_in(one);
  {
    TestProcess other;
    CHECK(lock(other, file, FileLock::write, 0, 0) == 0);
    CHECK(lock(one, file, FileLock::read, 0, 1) == -EAGAIN);
  }
  CHECK(lock(one, file, FileLock::read, 0, 1) == 0);
}

TEST_CASE("who holds a lock is told", "[locks]") {
  TestProcess other, one;
  const FileRef file = open_in(one);
  CHECK(lock(one, file, FileLock::write, 5, 5) == 0);
  FileLock found{FileLock::read, SEEK_SET, 0, 0, 0, 0, 0};
  CHECK(get_record_lock(files_of(other), *file, found) == 0);
  CHECK(found.type == FileLock::write);
  CHECK(found.start == 5);
  CHECK(found.length == 5);
  CHECK(found.pid == one.process().pid);
  FileLock own{FileLock::write, SEEK_SET, 0, 0, 0, 0, 0};
  CHECK(get_record_lock(files_of(one), *file, own) == 0);
  CHECK(own.type == FileLock::unlock);
  CHECK(lock(other, file, 9, 0, 0) == -EINVAL);
  CHECK(lock(other, file, FileLock::read, -1, 1) == -EINVAL);
  CHECK(lock(other, file, FileLock::read, 2, -3) == -EINVAL);
}

TEST_CASE("whoever waits for a lock gets it when it is free", "[locks]") {
  TestProcess one, other;
  const FileRef file = open_in(one);
  REQUIRE(lock(one, file, FileLock::write, 0, 0) == 0);
  Sysret waited = -1;
  std::thread waiter([&] {
    const TestProcess::Enter enter(other);
    waited = lock(other, file, FileLock::write, 0, 0, true);
  });
  CHECK(lock(one, file, FileLock::unlock, 0, 0) == 0);
  waiter.join();
  CHECK(waited == 0);
}

}  // namespace
}  // namespace hobbes::lwk::fs
