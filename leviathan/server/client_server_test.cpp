// SPDX-License-Identifier: Apache-2.0
// libhobbes against the server, when one of them is not what the other expects: another version, somebody else's
// protocol, gone, broken, or impatient.
#include <catch2/catch.hpp>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/test_dir.hpp"
#include "cmdqueue/fd_passing.hpp"
#include "cmdqueue/handover.hpp"
#include "leviathan/client/client.hpp"
#include "leviathan/client/connection.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/hello.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/server/served_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

constexpr const char* small_enclave = "<pisces name='a'/>";
constexpr std::chrono::minutes patience{1};

sockaddr_un address_in(const std::filesystem::path& run_dir) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (run_dir / "leviathan.sock").c_str(), sizeof address.sun_path - 1);
  return address;
}

UniqueFd packet_socket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  REQUIRE(socket);
  return socket;
}

/// A connection of somebody who need not speak the protocol.
UniqueFd stranger(const std::filesystem::path& run_dir) {
  UniqueFd socket = packet_socket();
  const auto address = address_in(run_dir);
  REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

std::vector<std::byte> packet(std::size_t size, std::uint8_t value) {
  return std::vector<std::byte>(size, static_cast<std::byte>(value));
}

/// A server that does what a test says with the one client that comes.
class FakeServer {
 public:
  FakeServer() : listener_(packet_socket()) {
    const auto address = address_in(dir.path());
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 4) == 0);
  }

  /// What a client gets to hear who is served so.
  template <typename Serve>
  Status answer_to_client(Serve serve) {
    std::thread server([&] {
      const UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      serve(socket.get());
    });
    auto client = client::Client::open(dir.path());
    const Status answer = client->destroy_enclave("a");
    server.join();
    return answer;
  }

  TestDir dir;

 private:
  UniqueFd listener_;
};

void take_packet(int socket) { (void)cmdqueue::receive_fds(socket, protocol::max_packet); }
void send_packet(int socket, std::span<const std::byte> bytes) { (void)cmdqueue::send_fds(socket, bytes, {}); }

}  // namespace

TEST_CASE("a client of another version is told so, and that is all", "[client-server]") {
  ServedNode served;
  const UniqueFd socket = stranger(served.node.path());
  REQUIRE(cmdqueue::send_fds(socket.get(), protocol::encode(protocol::Hello{.version = protocol::version + 1}), {}));
  const auto answer = cmdqueue::receive_fds(socket.get(), protocol::max_packet);
  REQUIRE(answer);
  const auto welcome = protocol::decode<protocol::Welcome>(answer->bytes);
  REQUIRE(welcome);
  CHECK(welcome->status == HOBBES_STATUS_UNSUPPORTED);
  CHECK_THAT(welcome->text, Catch::Contains("version 2") && Catch::Contains("install both from one release"));
  CHECK(cmdqueue::receive_fds(socket.get(), protocol::max_packet).error().code() == Code::unavailable);
}

TEST_CASE("who sends garbage is hung up on, and others are served", "[client-server]") {
  ServedNode served;
  auto client = client::Client::open(served.node.path());
  REQUIRE(client->create_enclave(small_enclave, "a.xml", ""));
  constexpr std::size_t size_of_hello = 2 * sizeof(std::uint32_t);
  for (const std::size_t size : {std::size_t{1}, size_of_hello, protocol::max_packet, protocol::max_packet * 8}) {
    const UniqueFd socket = stranger(served.node.path());
    REQUIRE(cmdqueue::send_fds(socket.get(), packet(size, 0xa5), {}));
    // A Welcome that refuses, or nothing; then the end.
    while (cmdqueue::receive_fds(socket.get(), protocol::max_packet)) continue;
    CHECK(client->ping("a", kib(1)));
  }
}

TEST_CASE("descriptors that were not asked for end a connection before they fill the server", "[client-server]") {
  ServedNode served;
  const UniqueFd socket = stranger(served.node.path());
  REQUIRE(protocol::greet(socket.get()));
  auto queue = cmdqueue::accept_queue(socket.get());
  REQUIRE(queue);
  const int standard_error = STDERR_FILENO;
  Status sent;
  for (std::uint64_t token = 1; sent && token < 1000; ++token) {
    const auto delivery = protocol::encode(protocol::FdDelivery{.token = token});
    sent = cmdqueue::send_fds(socket.get(), delivery, std::span(&standard_error, 1));
  }
  CHECK(sent.error().code() == Code::unavailable);
}

TEST_CASE("a client that breaks its queue loses its connection alone", "[client-server]") {
  ServedNode served;
  auto client = client::Client::open(served.node.path());
  REQUIRE(client->create_enclave(small_enclave, "a.xml", ""));
  const UniqueFd socket = stranger(served.node.path());
  REQUIRE(protocol::greet(socket.get()));
  auto queue = cmdqueue::receive_queue(socket.get());
  REQUIRE(queue);

  hobbes_ring& ring = queue->memory.view().requests.control();
  std::uint64_t produced = HOBBES_FRAME_ALIGN;
  SECTION("more than the ring holds") { produced = std::uint64_t{1} << 40; }
  SECTION("a frame that begins nowhere") { produced = 1; }
  SECTION("a frame that is longer than what came") { reinterpret_cast<hobbes_frame*>(&ring + 1)->length = UINT32_MAX; }
  __atomic_store_n(&ring.produced, produced, __ATOMIC_SEQ_CST);
  queue->bells.peers.ring();
  CHECK(cmdqueue::receive_fds(socket.get(), protocol::max_packet).error().code() == Code::unavailable);
  CHECK(client->ping("a", kib(1)));
}

TEST_CASE("a request larger than a queue takes is refused, and the connection lives on", "[client-server]") {
  ServedNode served;
  auto client = client::Client::open(served.node.path());
  REQUIRE(client->create_enclave(small_enclave, "a.xml", ""));
  CHECK(client->ping("a", mib(17)).error().code() == Code::exhausted);
  CHECK(client->ping("a", mib(1)));
  const std::string huge(17u << 20, ' ');
  CHECK(client->create_enclave(huge, "b.xml", "").error().code() == Code::exhausted);
  CHECK(client->ping("a", kib(1)));
}

TEST_CASE("what was asked of a server that goes away is answered", "[client-server]") {
  ServedNode served;
  auto client = client::Client::open(served.node.path());
  REQUIRE(client->create_enclave(small_enclave, "a.xml", ""));
  served.node.kernel().hang();
  const auto connection = client::Connection::open(served.node.path());
  REQUIRE(connection);
  const auto ping = protocol::encode(protocol::PingEnclave{.enclave = "a", .data = {}});
  const auto id = (*connection)->queue().begin(protocol::request::ping_enclave, ping, cmdqueue::within(patience));
  REQUIRE(id);
  served.stop_server();
  CHECK((*connection)->await(*id).error().code() == Code::unavailable);
}

TEST_CASE("a client goes on with the next server in the same place", "[client-server]") {
  ServedNode served;
  auto client = client::Client::open(served.node.path());
  REQUIRE(client->create_enclave(small_enclave, "a.xml", ""));
  served.restart_server();
  CHECK(client->ping("a", kib(1)));
}

TEST_CASE("an interrupted request ends at once, lets go, and the next one is served", "[client-server]") {
  ServedNode served;
  auto client = client::Client::open(served.node.path());
  REQUIRE(client->create_enclave(small_enclave, "a.xml", ""));
  REQUIRE(client->create_enclave("<pisces name='b'/>", "b.xml", ""));
  served.node.kernel().hang();
  const UniqueFd interrupt(::eventfd(1, EFD_CLOEXEC));
  client->interrupt_with(interrupt.get());
  CHECK(client->ping("a", kib(1)).error().sys_errno() == EINTR);
  CHECK(client->console("b", -1, STDOUT_FILENO).error().sys_errno() == EINTR);
  client->interrupt_with(-1);
  CHECK(client->ping("b", kib(1)));
}

TEST_CASE("a client refuses a server that is none", "[client-server]") {
  FakeServer fake;
  SECTION("it hangs up") {
    CHECK(fake.answer_to_client([](int) {}).error().code() == Code::unavailable);
  }
  SECTION("it answers garbage") {
    CHECK(!fake.answer_to_client([](int socket) {
      take_packet(socket);
      send_packet(socket, packet(100, 0x5a));
    }));
  }
  SECTION("it answers far too much") {
    CHECK(!fake.answer_to_client([](int socket) {
      take_packet(socket);
      send_packet(socket, packet(protocol::max_packet * 4, 0x5a));
    }));
  }
  SECTION("it is of another version") {
    const Status answer = fake.answer_to_client([](int socket) {
      take_packet(socket);
      send_packet(socket, protocol::encode(protocol::Welcome{.version = protocol::version + 1, .text = {}}));
    });
    CHECK(answer.error().code() == Code::unsupported);
    CHECK_THAT(answer.error().text(), Catch::Contains("leviathan speaks version 2"));
  }
  SECTION("it refuses") {
    const Status answer = fake.answer_to_client([](int socket) {
      take_packet(socket);
      send_packet(socket, protocol::welcome(Error(Code::denied, "leviathan: not you")));
    });
    CHECK(answer.error().code() == Code::denied);
    CHECK(answer.error().text() == "leviathan: not you");
  }
  SECTION("it welcomes and gives no queue") {
    CHECK(fake.answer_to_client([](int socket) {
      take_packet(socket);
      send_packet(socket, protocol::welcome({}));
    }).error().code() == Code::unavailable);
  }
  SECTION("it gives garbage for a queue") {
    CHECK(!fake.answer_to_client([](int socket) {
      take_packet(socket);
      send_packet(socket, protocol::welcome({}));
      send_packet(socket, packet(64, 0x5a));
    }));
  }
  SECTION("it takes a request and dies") {
    CHECK(fake.answer_to_client([](int socket) {
      take_packet(socket);
      send_packet(socket, protocol::welcome({}));
      auto queue = cmdqueue::offer_queue(socket);
      if (queue) (void)queue->wait(cmdqueue::within(patience));
    }).error().code() == Code::unavailable);
  }
  SECTION("it answers with what is no answer") {
    CHECK(fake.answer_to_client([](int socket) {
      take_packet(socket);
      send_packet(socket, protocol::welcome({}));
      auto queue = cmdqueue::offer_queue(socket);
      if (!queue) return;
      hobbes_ring& ring = queue->memory().view().replies.control();
      (void)queue->wait(cmdqueue::within(patience));
      __atomic_store_n(&ring.produced, std::uint64_t{1} << 40, __ATOMIC_SEQ_CST);
    }).error().code() == Code::corrupt);
  }
}
