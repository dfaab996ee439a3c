// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include <catch2/catch.hpp>

namespace hobbes::lwk::fs {
namespace {

using testing::TestProcess;

TEST_CASE("a new descriptor has the lowest free number", "[fd_table]") {
  TestProcess process;
  CHECK(process.call(sys_dup, 0) == 3);
  CHECK(process.call(sys_dup, 0) == 4);
  CHECK(process.call(sys_close, 3) == 0);
  CHECK(process.call(sys_dup, 0) == 3);
  CHECK(process.call(sys_fcntl, 0, 0 /* F_DUPFD */, 10) == 10);
  CHECK(process.call(sys_close, 99) == -EBADF);
}

TEST_CASE("a table holds 1024 descriptors and no more", "[fd_table]") {
  TestProcess process;
  for (int fd = 3; fd < FdTable::limit; ++fd) REQUIRE(process.call(sys_dup, 0) == fd);
  CHECK(process.call(sys_dup, 0) == -EMFILE);
  CHECK(process.call(sys_dup2, 0, FdTable::limit) == -EBADF);
  CHECK(process.call(sys_fcntl, 0, 0, FdTable::limit) == -EINVAL);
}

TEST_CASE("dup2 closes what was there and dup3 refuses a copy onto itself", "[fd_table]") {
  TestProcess process;
  const UserAddr fds = process.room(8);
  REQUIRE(process.call(sys_pipe, fds) == 0);
  const auto reader = process.get<int32_t>(fds), writer = process.get<int32_t>(fds + 4);
  CHECK(process.call(sys_dup2, 0, writer) == writer);
  CHECK(process.call(sys_read, reader, fds, 1) == 0);  // the last writer has gone
  CHECK(process.call(sys_dup2, 0, 0) == 0);
  CHECK(process.call(sys_dup3, 0, 0, 0) == -EINVAL);
  CHECK(process.call(sys_dup3, 0, 70, O_CLOEXEC) == 70);
  CHECK(process.process().files->closes_on_exec(70) == 1);
}

TEST_CASE("exec closes what is marked", "[fd_table]") {
  TestProcess process;
  REQUIRE(process.call(sys_fcntl, 0, 1030 /* F_DUPFD_CLOEXEC */, 5) == 5);
  REQUIRE(process.call(sys_dup, 0) == 3);
  process.process().files->close_on_exec();
  CHECK_FALSE(process.process().files->get(5));
  CHECK(process.process().files->get(3));
}

TEST_CASE("a forked table shares the open files", "[fd_table]") {
  TestProcess process;
  const Sysret fd = process.call(sys_memfd_create, process.text("shared"), 0);
  REQUIRE(fd == 3);
  FdTable* child = process.process().files->copy();
  REQUIRE(child != nullptr);
  REQUIRE(process.call(sys_write, fd, process.text("12345"), 5) == 5);
  CHECK(child->get(3)->seek(0, SEEK_CUR) == 5);
  CHECK(process.call(sys_close, 3) == 0);
  CHECK(child->get(3));
  delete child;
}

TEST_CASE("close_range closes or marks what is open in it", "[fd_table]") {
  TestProcess process;
  for (int i = 0; i < 5; ++i) (void)process.call(sys_dup, 0);
  CHECK(process.call(sys_close_range, 6, ~0u, 4) == 0);
  CHECK(process.process().files->closes_on_exec(6) == 1);
  CHECK(process.call(sys_close_range, 4, 5, 0) == 0);
  CHECK(process.process().files->next_open(4) == 6);
  CHECK(process.call(sys_close_range, 5, 4, 0) == -EINVAL);
}

}  // namespace
}  // namespace hobbes::lwk::fs
