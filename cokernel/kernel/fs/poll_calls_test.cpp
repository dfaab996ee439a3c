// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/testing/fake_proxy.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

namespace hobbes::lwk::fs {
namespace {

using testing::FakeProxy;
using testing::TestProcess;

struct Entry {
  int32_t fd;
  uint16_t events, ready;
};

struct PipeFds {
  int32_t reader, writer;
};

PipeFds make_pipe(TestProcess& process) {
  const UserAddr fds = process.room(8);
  REQUIRE(process.call(sys_pipe, fds) == 0);
  return process.get<PipeFds>(fds);
}

TEST_CASE("poll tells what is ready", "[poll]") {
  TestProcess process;
  const PipeFds pipe = make_pipe(process);
  const Entry entries[] = {{pipe.reader, POLLIN, 0}, {pipe.writer, POLLOUT, 0}, {-1, POLLIN, 0}, {99, POLLIN, 0}};
  const UserAddr set = process.put(entries, sizeof(entries));
  CHECK(process.call(sys_poll, set, 4, -1) == 2);
  CHECK(process.get<Entry>(set).ready == 0);
  CHECK(process.get<Entry>(set + 8).ready == POLLOUT);
  CHECK(process.get<Entry>(set + 16).ready == 0);
  CHECK(process.get<Entry>(set + 24).ready == POLLNVAL);
  CHECK(process.call(sys_poll, set, 1, 0) == 0);
  CHECK(process.call(sys_close, pipe.writer) == 0);
  CHECK(process.call(sys_poll, set, 1, -1) == 1);
  CHECK(process.get<Entry>(set).ready == POLLHUP);
}

TEST_CASE("poll wakes when another thread makes a file ready", "[poll]") {
  TestProcess process;
  const PipeFds pipe = make_pipe(process);
  std::thread writer([&] {
    const TestProcess::Enter enter(process);
    (void)process.call(sys_write, pipe.writer, process.text("x"), 1);
  });
  const Entry entry{pipe.reader, POLLIN, 0};
  CHECK(process.call(sys_poll, process.put(&entry, sizeof(entry)), 1, -1) == 1);
  writer.join();
}

TEST_CASE("select tells what is ready, and refuses what is not open", "[poll]") {
  TestProcess process;
  const PipeFds pipe = make_pipe(process);
  REQUIRE(process.call(sys_write, pipe.writer, process.text("x"), 1) == 1);
  const uint64_t read_bits = 1ull << pipe.reader, write_bits = 1ull << pipe.writer;
  const UserAddr reads = process.put(&read_bits, 8), writes = process.put(&write_bits, 8);
  CHECK(process.call(sys_select, pipe.writer + 1, reads, writes, 0, 0) == 2);
  CHECK(process.get<uint64_t>(reads) == read_bits);
  const uint64_t bad = 1ull << 50;
  CHECK(process.call(sys_select, 51, process.put(&bad, 8), 0, 0, 0) == -EBADF);
}

TEST_CASE("a pending signal ends a poll", "[poll]") {
  TestProcess process;
  const PipeFds pipe = make_pipe(process);
  const Entry entry{pipe.reader, POLLIN, 0};
  const UserAddr set = process.put(&entry, sizeof(entry));
  port::current().pending = signal_bit(SIGUSR1);
  CHECK(process.call(sys_poll, set, 1, -1) == restart_never_handled);
  port::current().mask = signal_bit(SIGUSR1);
  const uint64_t nothing = 0;
  CHECK(process.call(sys_ppoll, set, 1, 0, process.put(&nothing, 8), 8) == restart_never_handled);
  CHECK(port::current().restore_mask);
  CHECK(port::current().saved_mask == signal_bit(SIGUSR1));
}

TEST_CASE("a poll over files of both sides sees the host's, too", "[poll]") {
  std::atomic<int> looks{0};
  FakeProxy proxy([&](hobbes_hio_slot& slot) -> int64_t {
    if (slot.nr != host_ppoll) return -ENOSYS;
    auto* entries = reinterpret_cast<Entry*>(slot.args[0]);
    if (slot.args[1] != 1 || entries[0].fd != 0) return -EINVAL;
    entries[0].ready = ++looks >= 3 ? POLLIN : 0;
    return entries[0].ready != 0 ? 1 : 0;
  });
  TestProcess process(&proxy.channel());
  const PipeFds pipe = make_pipe(process);
  const Entry entries[] = {{pipe.reader, POLLIN, 0}, {0, POLLIN, 0}};
  const UserAddr set = process.put(entries, sizeof(entries));
  CHECK(process.call(sys_poll, set, 2, -1) == 1);
  CHECK(process.get<Entry>(set + 8).ready == POLLIN);
  CHECK(looks == 3);
  CHECK(process.call(sys_poll, set + 8, 1, -1) == 1);
}

}  // namespace
}  // namespace hobbes::lwk::fs
