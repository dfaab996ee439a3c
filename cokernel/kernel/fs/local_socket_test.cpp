// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/local_socket.hpp"

#include "cokernel/kernel/fs/testing/kernel.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <thread>

namespace hobbes::lwk::fs {
namespace {

using testing::TestProcess;

struct Pair {
  explicit Pair(TestProcess& process, uint32_t type) {
    const UserAddr fds = process.room(8);
    REQUIRE(process.call(sys_socketpair, AF_UNIX, type, 0, fds) == 0);
    first = process.get<int32_t>(fds);
    second = process.get<int32_t>(fds + 4);
  }
  int first, second;
};

TEST_CASE("a stream runs together, messages do not", "[socket]") {
  TestProcess process;
  const UserAddr to = process.room(64);
  for (const uint32_t type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    const Pair pair(process, type);
    CHECK(process.call(sys_write, pair.first, process.text("one"), 3) == 3);
    CHECK(process.call(sys_sendto, pair.first, process.text("two"), 3, 0, 0, 0) == 3);
    CHECK(process.call(sys_recvfrom, pair.second, to, 64, 0, 0, 0) == (type == SOCK_STREAM ? 6 : 3));
  }
}

TEST_CASE("an end that is gone ends the other", "[socket]") {
  TestProcess process;
  const UserAddr memory = process.room(64);
  const Pair pair(process, SOCK_STREAM);
  CHECK(process.call(sys_write, pair.first, memory, 5) == 5);
  CHECK(process.call(sys_close, pair.first) == 0);
  CHECK(process.call(sys_read, pair.second, memory, 64) == 5);
  CHECK(process.call(sys_read, pair.second, memory, 64) == 0);
  CHECK(process.call(sys_write, pair.second, memory, 1) == -EPIPE);
  CHECK((process.process().pending & signal_bit(SIGPIPE)) != 0);
}

TEST_CASE("a full pair blocks its writer until somebody reads", "[socket]") {
  TestProcess process;
  constexpr uint64_t size = 1 << 20;
  const Pair pair(process, SOCK_STREAM);
  const UserAddr from = process.room(size), to = process.room(size);
  const Sysret sent = process.call(sys_sendto, pair.first, from, size, MSG_DONTWAIT, 0, 0);
  CHECK(sent > 0);
  CHECK(sent < static_cast<Sysret>(size));
  CHECK(process.call(sys_sendto, pair.first, from, size, MSG_DONTWAIT, 0, 0) == -EAGAIN);
  CHECK(process.call(sys_recvfrom, pair.second, to, sent, MSG_WAITALL, 0, 0) == sent);
  std::thread writer([&] {
    const TestProcess::Enter enter(process);
    CHECK(process.call(sys_write, pair.first, from, size) == static_cast<Sysret>(size));
  });
  {
    const TestProcess::Enter enter(process);
    CHECK(process.call(sys_recvfrom, pair.second, to, size, MSG_WAITALL, 0, 0) == static_cast<Sysret>(size));
  }
  writer.join();
}

TEST_CASE("a file that travels is the receiver's, and let go of if nobody takes it", "[socket]") {
  TestProcess process;
  const Pair pair(process, SOCK_STREAM), travels(process, SOCK_STREAM);
  struct Control {
    ControlHeader header{sizeof(ControlHeader) + sizeof(int32_t), SOL_SOCKET, SCM_RIGHTS};
    int32_t fd, pad = 0;
  } control;
  control.fd = travels.first;
  const IoPiece piece{process.text("x"), 1};
  MessageHeader header{};
  header.iovs = process.put(&piece, sizeof(piece));
  header.iov_count = 1;
  header.control = process.put(&control, sizeof(control));
  header.control_size = sizeof(control);
  const UserAddr message = process.put(&header, sizeof(header));
  CHECK(process.call(sys_sendmsg, pair.first, message, 0) == 1);
  CHECK(process.call(sys_close, travels.first) == 0);
  CHECK(process.call(sys_write, travels.second, process.text("y"), 1) == 1);  // it lives on, in the message
  CHECK(process.call(sys_recvmsg, pair.second, message, 0) == 1);
  const int32_t received = process.get<int32_t>(header.control + sizeof(ControlHeader));
  CHECK(process.call(sys_read, received, process.room(1), 1) == 1);
  CHECK(process.call(sys_close, received) == 0);
  control.fd = travels.second;
  header.control = process.put(&control, sizeof(control));
  CHECK(process.call(sys_sendmsg, pair.first, process.put(&header, sizeof(header)), 0) == 1);
  CHECK(process.call(sys_close, pair.second) == 0);
  control.fd = 77;
  header.control = process.put(&control, sizeof(control));
  CHECK(process.call(sys_sendmsg, pair.first, process.put(&header, sizeof(header)), 0) == -EBADF);
}

}  // namespace
}  // namespace hobbes::lwk::fs
