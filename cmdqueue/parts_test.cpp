// SPDX-License-Identifier: Apache-2.0
// The parts by themselves: memory, bells, descriptors, hand-over, status numbers, dump.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "cmdqueue/dump.hpp"
#include "cmdqueue/fd_passing.hpp"
#include "cmdqueue/test_queue.hpp"
#include "cmdqueue/wire_status.hpp"

using namespace hobbes;
using namespace hobbes::cmdqueue;
using namespace hobbes::cmdqueue::test;

namespace {

std::array<int, 2> ids(int fd) {
  struct stat status {};
  REQUIRE(fstat(fd, &status) == 0);
  return {static_cast<int>(status.st_dev), static_cast<int>(status.st_ino)};
}

int open_fds() {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

}  // namespace

TEST_CASE("a queue's memory cannot be resized by anybody", "[memory]") {
  const QueueMemory memory = get(QueueMemory::create());
  CHECK(ftruncate(memory.fd(), 0) < 0);
  CHECK(ftruncate(memory.fd(), 1 << 30) < 0);
}

TEST_CASE("memory that is no queue, or could be cut away, is refused", "[memory]") {
  SECTION("not sealed") {
    const QueueMemory memory = get(QueueMemory::create());
    UniqueFd copy(memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    const auto bytes = memory.bytes();
    REQUIRE(write(copy.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    CHECK(failure_code(QueueMemory::receive(std::move(copy))) == "invalid");
  }
  SECTION("sealed zeros") {
    UniqueFd zeros(memfd_create("zeros", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    REQUIRE(ftruncate(zeros.get(), 1 << 20) == 0);
    REQUIRE(fcntl(zeros.get(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK(failure_code(QueueMemory::receive(std::move(zeros))) == "corrupt");
  }
  SECTION("empty") {
    UniqueFd empty(memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    REQUIRE(fcntl(empty.get(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK(failure_code(QueueMemory::receive(std::move(empty))) == "corrupt");
  }
  SECTION("not a memfd") {
    CHECK_FALSE(QueueMemory::receive(UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC))));
  }
  SECTION("ring sizes that are no powers of two") {
    CHECK(failure_code(QueueMemory::create({Bytes(3000), Bytes(4096)})) == "invalid");
  }
  SECTION("a range too small for the rings") {
    alignas(HOBBES_CACHE_LINE) std::array<std::byte, 1024> range{};
    CHECK(failure_code(QueueMemory::format(range, small_rings)) == "invalid");
  }
}

TEST_CASE("a queue in the caller's memory is found again", "[memory]") {
  alignas(HOBBES_CACHE_LINE) static std::array<std::byte, 4096> range;
  ClientEnd client(get(QueueMemory::format(range, small_rings)), {});
  get(client.begin(HOBBES_CMD_PING, payload_of("in an enclave")));
  ServerEnd server(get(QueueMemory::open(range)), {});
  CHECK(text_of(get(server.take())->payload) == "in an enclave");
}

namespace {

/// Both ends of a bell of each kind.
Doorbell::SocketPair bell_of_kind(int kind, std::uint32_t& word) {
  if (kind == 0) return {Doorbell::futex(&word), Doorbell::futex(&word)};
  if (kind == 1) return get(Doorbell::create_socket_pair());
  Doorbell waiter = get(Doorbell::create_event_fd());
  Doorbell ringer = get(Doorbell::event_fd(UniqueFd(dup(waiter.fd()))));
  return {std::move(waiter), std::move(ringer)};
}

}  // namespace

TEST_CASE("a bell rung before the wait ends it, once", "[doorbell]") {
  std::uint32_t word = HOBBES_ASLEEP;
  const auto [waiter, ringer] = bell_of_kind(GENERATE(0, 1, 2), word);
  for (int i = 0; i < 3; ++i) ringer.ring();
  CHECK(get(waiter.wait(no_deadline, {})) == Doorbell::Wake::rung);
  word = HOBBES_ASLEEP;
  CHECK(get(waiter.wait(within(0ms), {})) == Doorbell::Wake::timed_out);
}

TEST_CASE("a bell that is a call is rung only for a peer that sleeps", "[doorbell]") {
  const QueueMemory memory = get(QueueMemory::create(small_rings));
  const auto open = [&] { return get(QueueMemory::receive(UniqueFd(dup(memory.fd())))); };
  int rings = 0;
  ServerEnd server(open(), {});
  ClientEnd client(open(), {Doorbell(), Doorbell::call([&] { ++rings; })});
  get(client.begin(HOBBES_CMD_PING, {}));
  CHECK(rings == 0);
  get(server.take());
  REQUIRE(server.arm());
  get(client.begin(HOBBES_CMD_PING, {}));
  get(client.begin(HOBBES_CMD_PING, {}));
  CHECK(rings == 1);
}

TEST_CASE("a socket bell tells that the ringer has gone", "[doorbell]") {
  Doorbell::SocketPair bell = get(Doorbell::create_socket_pair());
  bell.ringer = {};
  CHECK(get(bell.waiter.wait(no_deadline, {})) == Doorbell::Wake::peer_gone);
}

TEST_CASE("a wait ends at its deadline, or with the peer", "[doorbell]") {
  std::uint32_t word = HOBBES_ASLEEP;
  SocketPair sockets;
  const auto [bell, ringer] = bell_of_kind(GENERATE(0, 1, 2), word);
  const PeerWatch peer = PeerWatch::socket(sockets.server.get());
  CHECK(get(bell.wait(within(1ms), peer)) == Doorbell::Wake::timed_out);
  CHECK(get(bell.wait(within(-1s), peer)) == Doorbell::Wake::timed_out);
  CHECK_FALSE(peer.gone());
  sockets.client.reset();
  CHECK(peer.gone());
  CHECK(get(bell.wait(no_deadline, peer)) == Doorbell::Wake::peer_gone);
}

TEST_CASE("a message on the watched socket is not its peer's death", "[doorbell]") {
  SocketPair sockets;
  REQUIRE(write(sockets.client.get(), "x", 1) == 1);
  CHECK_FALSE(PeerWatch::socket(sockets.server.get()).gone());
}

TEST_CASE("descriptors arrive with their message and are close-on-exec", "[fds]") {
  SocketPair sockets;
  const UniqueFd file(open("/dev/null", O_RDWR | O_CLOEXEC));
  const std::array<int, 3> sent{0, file.get(), 2};
  get(send_fds(sockets.client.get(), payload_of("three"), sent));
  const FdMessage got = get(receive_fds(sockets.server.get(), 100));
  CHECK(text_of(got.bytes) == "three");
  REQUIRE(got.fds.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(ids(got.fds[i].get()) == ids(sent[i]));
    CHECK((fcntl(got.fds[i].get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("a message without descriptors is fine, a closed socket is not", "[fds]") {
  SocketPair sockets;
  get(send_fds(sockets.client.get(), payload_of("bare"), {}));
  CHECK(get(receive_fds(sockets.server.get(), 100)).fds.empty());
  sockets.client.reset();
  CHECK(failure_code(receive_fds(sockets.server.get(), 100)) == "unavailable");
  CHECK(failure_code(send_fds(sockets.server.get(), payload_of("x"), {})) == "unavailable");
}

TEST_CASE("unexpected messages are refused and leak no descriptor", "[fds]") {
  SocketPair sockets;
  const int before = open_fds();
  SECTION("more bytes than wanted") {
    get(send_fds(sockets.client.get(), payload_of("longer than ten"), std::array<int, 2>{0, 1}));
    CHECK(failure_code(receive_fds(sockets.server.get(), 10)) == "invalid");
  }
  SECTION("not a queue") {
    get(send_fds(sockets.client.get(), payload_of("8 bytes!"), std::array<int, 3>{0, 1, 2}));
    CHECK(failure_code(receive_queue(sockets.server.get())) == "invalid");
  }
  SECTION("more descriptors than one may send") {
    CHECK(failure_code(send_fds(sockets.client.get(), payload_of("x"), std::vector<int>(max_passed_fds + 1))) ==
          "invalid");
  }
  CHECK(open_fds() == before);
}

TEST_CASE("the kernel says who the peer is", "[fds]") {
  SocketPair sockets;
  const PeerCredentials peer = get(peer_credentials(sockets.server.get()));
  CHECK(peer.pid == getpid());
  CHECK(peer.uid == getuid());
  CHECK(peer.gid == getgid());
  const UniqueFd file(open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK_FALSE(peer_credentials(file.get()));
}

TEST_CASE("every error code has a wire status that means it", "[status]") {
  for (int value = HOBBES_STATUS_INVALID; value <= HOBBES_STATUS_IO; ++value) {
    CHECK(to_wire(static_cast<Code>(value)) == value);
    CHECK(from_wire(value, 2, "x").code() == static_cast<Code>(value));
  }
}

TEST_CASE("a dump shows the unread requests and replies", "[dump]") {
  QueuePair queue(small_rings);
  const RequestId first = get(queue.client.begin(HOBBES_CMD_PING, payload_of("first")));
  get(queue.client.begin(HOBBES_CMD_APP_KILL, payload_of("second")));
  get(queue.client.begin(HOBBES_CMD_SHUTDOWN, {}));
  get(queue.server.take());
  get(queue.server.refuse(first, Error(Code::busy, "no")));
  CHECK(get(dump(queue.server.memory().bytes())) ==
        "HCQ -- Command Count: 3 ;  Pending Command: 2\n"
        "CMD 2: CODE=2001, SIZE=6, STATUS=PENDING, SEGID=-1,  RET_CODE=0, RET_SIZE=0\n"
        "CMD 3: CODE=2100, SIZE=0, STATUS=PENDING, SEGID=-1,  RET_CODE=0, RET_SIZE=0\n"
        "CMD 1: CODE=3000, SIZE=0, STATUS=RETURNED, SEGID=-1,  RET_CODE=4, RET_SIZE=2\n"
        "requests: 128 of 1024 bytes in use, 192 ever\n"
        "replies: 64 of 1024 bytes in use, 64 ever\n");
}

TEST_CASE("a dump changes nothing and says who has left", "[dump]") {
  QueuePair queue(small_rings);
  get(queue.client.begin(HOBBES_CMD_PING, payload_of("x")));
  ClientEnd(std::move(queue.client));
  const auto memory = queue.server.memory().bytes();
  const std::vector<std::byte> before(memory.begin(), memory.end());
  CHECK(get(dump(memory)).find("the client has left\n") != std::string::npos);
  CHECK(std::equal(before.begin(), before.end(), memory.begin(), memory.end()));
}
