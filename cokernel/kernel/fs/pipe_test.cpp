// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/pipe.hpp"

#include "cokernel/kernel/fs/testing/kernel.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <vector>

namespace hobbes::lwk::fs {
namespace {

using testing::TestProcess;

struct Pipe {
  explicit Pipe(TestProcess& process, uint32_t flags = 0) {
    const UserAddr fds = process.room(8);
    REQUIRE(process.call(sys_pipe2, fds, flags) == 0);
    reader = process.get<int32_t>(fds);
    writer = process.get<int32_t>(fds + 4);
  }
  int reader, writer;
};

TEST_CASE("what is written to a pipe is read from it in order", "[pipe]") {
  TestProcess process;
  const Pipe pipe(process);
  const UserAddr to = process.room(16);
  CHECK(process.call(sys_write, pipe.writer, process.text("hello"), 5) == 5);
  CHECK(process.call(sys_write, pipe.writer, process.text("world"), 5) == 5);
  CHECK(process.call(sys_read, pipe.reader, to, 16) == 10);
  char text[11] = {};
  process.get(text, to, 10);
  CHECK(std::string(text) == "helloworld");
  CHECK(process.call(sys_lseek, pipe.reader, 0, SEEK_SET) == -ESPIPE);
  CHECK(process.call(sys_read, pipe.writer, to, 1) == -EBADF);
}

TEST_CASE("a pipe without writers is at its end, one without readers breaks", "[pipe]") {
  TestProcess process;
  const UserAddr memory = process.room(16);
  const Pipe one(process);
  CHECK(process.call(sys_close, one.writer) == 0);
  CHECK(process.call(sys_read, one.reader, memory, 16) == 0);
  const Pipe other(process);
  CHECK(process.call(sys_close, other.reader) == 0);
  CHECK(process.call(sys_write, other.writer, memory, 1) == -EPIPE);
  CHECK((process.process().pending & signal_bit(SIGPIPE)) != 0);
}

TEST_CASE("a full or empty pipe that must not block says so", "[pipe]") {
  TestProcess process;
  const Pipe pipe(process, O_NONBLOCK);
  const UserAddr memory = process.room(2 * pipe_size);
  CHECK(process.call(sys_read, pipe.reader, memory, 1) == -EAGAIN);
  CHECK(process.call(sys_write, pipe.writer, memory, pipe_size + 100) == static_cast<Sysret>(pipe_size));
  CHECK(process.call(sys_write, pipe.writer, memory, 1) == -EAGAIN);
  CHECK(process.call(sys_read, pipe.reader, memory, 100) == 100);
  CHECK(process.call(sys_write, pipe.writer, memory, 101) == -EAGAIN);  // whole or not at all
  CHECK(process.call(sys_write, pipe.writer, memory, 100) == 100);
}

TEST_CASE("writes up to PIPE_BUF are not torn, and nothing is lost between threads", "[pipe]") {
  constexpr uint64_t record = 1000, records = 400, writers = 3;
  TestProcess process;
  const Pipe pipe(process);
  std::vector<std::thread> threads;
  for (uint64_t writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      const TestProcess::Enter enter(process);
      const std::vector<char> bytes(record, static_cast<char>('a' + writer));
      const UserAddr from = process.put(bytes.data(), record);
      for (uint64_t i = 0; i < records; ++i) (void)process.call(sys_write, pipe.writer, from, record);
    });
  }
  uint64_t torn = 0, total = 0;
  std::vector<char> bytes(record);
  const UserAddr to = process.room(record);
  while (total < record * records * writers) {
    uint64_t got = 0;
    while (got < record) {
      const Sysret part = process.call(sys_read, pipe.reader, to + got, record - got);
      REQUIRE(part > 0);
      got += static_cast<uint64_t>(part);
    }
    process.get(bytes.data(), to, record);
    for (const char byte : bytes) torn += byte != bytes[0] ? 1 : 0;
    total += record;
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(torn == 0);
}

TEST_CASE("a reader that sleeps wakes when the last writer closes", "[pipe]") {
  TestProcess process;
  const Pipe pipe(process);
  Sysret got = -1;
  std::thread reader([&] {
    const TestProcess::Enter enter(process);
    got = process.call(sys_read, pipe.reader, process.room(8), 8);
  });
  CHECK(process.call(sys_close, pipe.writer) == 0);
  reader.join();
  CHECK(got == 0);
}

TEST_CASE("a pending signal ends the wait for a pipe", "[pipe]") {
  TestProcess process;
  const Pipe pipe(process);
  port::current().pending = signal_bit(SIGUSR1);
  CHECK(process.call(sys_read, pipe.reader, process.room(8), 8) == restart_call);
}

TEST_CASE("a bad address is a fault and costs nothing", "[pipe]") {
  TestProcess process;
  const Pipe pipe(process);
  CHECK(process.call(sys_write, pipe.writer, 0x10000, 8) == -EFAULT);
  CHECK(process.call(sys_write, pipe.writer, ~0ull - 4096, 8) == -EFAULT);
  CHECK(process.call(sys_write, pipe.writer, process.text("x"), 1) == 1);
  CHECK(process.call(sys_read, pipe.reader, 0x10000, 1) == -EFAULT);
}

}  // namespace
}  // namespace hobbes::lwk::fs
