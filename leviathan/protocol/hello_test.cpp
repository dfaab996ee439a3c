// SPDX-License-Identifier: Apache-2.0
#include "leviathan/protocol/hello.hpp"

#include <sys/socket.h>

#include <array>
#include <catch2/catch.hpp>
#include <thread>

#include "cmdqueue/fd_passing.hpp"

using namespace hobbes;
using namespace hobbes::protocol;

namespace {

struct SocketPair {
  SocketPair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
    client = UniqueFd(ends[0]);
    server = UniqueFd(ends[1]);
  }
  UniqueFd client, server;
};

/// greet() against a server that answers with `answer`.
Status greet_with(const Payload& answer) {
  const SocketPair sockets;
  REQUIRE(cmdqueue::send_fds(sockets.server.get(), answer, {}));
  return greet(sockets.client.get());
}

}  // namespace

TEST_CASE("a hello of this version is welcome", "[protocol]") {
  CHECK(check_hello(encode(Hello{})));
  CHECK(greet_with(welcome(Status())));
}

TEST_CASE("a hello of another version is refused with both versions", "[protocol]") {
  const Status judgement = check_hello(encode(Hello{.version = version + 7}));
  REQUIRE_FALSE(judgement);
  CHECK(judgement.error().code() == Code::unsupported);
  CHECK(judgement.error().text() ==
        "the client speaks version 8 of the protocol, this program version 1: install both from one release");
}

TEST_CASE("something else than a hello is refused", "[protocol]") {
  CHECK(check_hello(encode(Hello{.magic = 1})).error().code() == Code::invalid);
  CHECK(check_hello(std::as_bytes(std::span("GET / HTTP/1.1"))).error().code() == Code::invalid);
  CHECK(check_hello({}).error().code() == Code::invalid);
}

TEST_CASE("a refusal reaches the client with code, errno and sentence", "[protocol]") {
  const Status greeted = greet_with(welcome(Error(Code::denied, "leviathan: not in group 'hobbes'", EACCES)));
  REQUIRE_FALSE(greeted);
  CHECK(greeted.error().code() == Code::denied);
  CHECK(greeted.error().sys_errno() == EACCES);
  CHECK(greeted.error().text() == "leviathan: not in group 'hobbes'");
}

TEST_CASE("a client refuses a leviathan of another version", "[protocol]") {
  Welcome answer;
  answer.version = version + 1;
  CHECK(greet_with(encode(answer)).error().code() == Code::unsupported);
}

TEST_CASE("a leviathan that hangs up is unavailable", "[protocol]") {
  SocketPair sockets;
  sockets.server.reset();
  CHECK(greet(sockets.client.get()).error().code() == Code::unavailable);
}
