// SPDX-License-Identifier: Apache-2.0
// Consoles as clients see them, over the fake bridge.
#include <catch2/catch.hpp>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>

#include "kernel-bridge/abi/console.h"
#include "leviathan/client/connection.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/server/served_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

constexpr std::chrono::minutes patience{1};

/// An enclave that says what the test wants.
class TalkingNode {
 public:
  TalkingNode() { REQUIRE(served.node.create("a")); }

  void say(std::string_view text) {
    auto* console = reinterpret_cast<hobbes_console*>(served.node.kernel().console());
    std::uint64_t at = __atomic_load_n(&console->written, __ATOMIC_RELAXED);
    for (const char c : text) console->output[at++ % HOBBES_CONSOLE_OUTPUT] = static_cast<std::uint8_t>(c);
    __atomic_store_n(&console->written, at, __ATOMIC_RELEASE);
    REQUIRE(::eventfd_write(served.node.kernel().console_bell(), 1) == 0);
  }
  /// What was typed and not taken.
  std::string typed() {
    const auto* console = reinterpret_cast<hobbes_console*>(served.node.kernel().console());
    const std::uint64_t count = __atomic_load_n(&console->typed, __ATOMIC_ACQUIRE);
    return {reinterpret_cast<const char*>(console->input), static_cast<std::size_t>(count)};
  }

  ServedNode served;
};

/// A client at the console, who says only when told to that he has shown what came.
class Reader {
 public:
  explicit Reader(const ServedNode& served) : connection_(*client::Connection::open(served.node.path())) {
    connection_->queue().on_event([this](const cmdqueue::Event& event) { take(event); });
    const protocol::EnclaveName name{.enclave = "a"};
    const auto answer = connection_->call(protocol::request::console_open, name, patience);
    REQUIRE(answer);
    console_ = protocol::decode<protocol::ConsoleRef>(*answer)->console;
  }

  /// All that leviathan has sent so far: it answers in order.
  const std::string& seen() {
    (void)connection_->call(protocol::request::dump_queue, protocol::EnclaveName{.enclave = "a"}, patience);
    return seen_;
  }
  /// Shows what comes, until the last of it ends so.
  void wait_for(std::string_view end) {
    while (!seen_.ends_with(end)) {
      REQUIRE(connection_->wait(-1, cmdqueue::within(patience)));
      REQUIRE(acknowledge());
    }
  }
  Status type(std::string_view keys) {
    const protocol::ConsoleData message{.console = console_, .data = std::as_bytes(std::span(keys))};
    const auto answer = connection_->call(protocol::request::console_type, message, patience);
    return answer ? Status() : Status(answer.error());
  }
  Status acknowledge() { return type(""); }
  bool ended() const { return ended_; }
  void wait_for_end() {
    while (!ended_) REQUIRE(connection_->wait(-1, cmdqueue::within(patience)));
  }

 private:
  void take(const cmdqueue::Event& event) {
    if (event.code == protocol::event::console_ended) ended_ = true;
    if (event.code != protocol::event::console_output) return;
    const auto data = protocol::decode<protocol::ConsoleData>(event.payload)->data;
    seen_.append(reinterpret_cast<const char*>(data.data()), data.size());
  }

  std::unique_ptr<client::Connection> connection_;
  std::uint64_t console_ = 0;
  std::string seen_;
  bool ended_ = false;
};

}  // namespace

TEST_CASE("every reader gets what was said before and what is said then", "[consoles]") {
  TalkingNode node;
  node.say("boot\n");
  Reader early(node.served);
  early.wait_for("boot\n");
  Reader late(node.served);
  node.say("more\n");
  early.wait_for("more\n");
  late.wait_for("more\n");
  CHECK(early.seen() == "boot\nmore\n");
  CHECK(late.seen() == "boot\nmore\n");
}

TEST_CASE("anybody types", "[consoles]") {
  TalkingNode node;
  Reader one(node.served), other(node.served);
  CHECK(one.type("ls\n"));
  CHECK(other.type("cd\n"));
  CHECK(node.typed() == "ls\ncd\n");
}

TEST_CASE("a reader who does not show what came gets a window at most, then what there still is", "[consoles]") {
  TalkingNode node;
  Reader slow(node.served), quick(node.served);
  const std::string block(HOBBES_CONSOLE_OUTPUT, '.');
  for (int i = 0; i < 8; ++i) {
    node.say(block);
    node.say("block " + std::to_string(i) + "\n");
    quick.wait_for("block " + std::to_string(i) + "\n");
  }
  CHECK(slow.seen().size() <= 2 * HOBBES_CONSOLE_OUTPUT);
  CHECK_FALSE(slow.seen().ends_with("block 7\n"));
  REQUIRE(slow.acknowledge());
  slow.wait_for("block 7\n");
}

TEST_CASE("the end of the enclave is told to its readers, behind its last words", "[consoles]") {
  TalkingNode node;
  Reader reader(node.served);
  node.say("last words");
  node.served.node.kernel().die("it was told to");
  reader.wait_for_end();
  CHECK(reader.seen() == "last words");
}

TEST_CASE("a console that is not open to this client is not found", "[consoles]") {
  TalkingNode node;
  Reader reader(node.served);
  const auto stranger = client::Connection::open(node.served.node.path());
  REQUIRE(stranger);
  for (std::uint64_t console = 0; console < 4; ++console) {
    const protocol::ConsoleRef message{.console = console};
    const auto answer = (*stranger)->call(protocol::request::console_close, message, patience);
    REQUIRE(!answer);
    CHECK(answer.error().code() == Code::not_found);
  }
}
