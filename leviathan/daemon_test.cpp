// SPDX-License-Identifier: Apache-2.0
// The whole daemon from start to stop, over a fake bridge.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <future>
#include <memory>

#include "kernel-bridge/fake/fake_bridge.hpp"
#include "leviathan/client/client.hpp"
#include "leviathan/start.hpp"
#include "base/test_dir.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

/// Its socket may be there before it listens: only an answer tells.
bool serves(const std::filesystem::path& run_dir) {
  auto client = client::Client::open(run_dir);
  return client && client->ping("nobody", Bytes(0)).error().code() == Code::not_found;
}

/// A leviathan in a thread of its own.
class Running {
 public:
  Running(const std::filesystem::path& run_dir, std::shared_ptr<bridge::FakeNode> node, bool force = false) {
    options_.run_dir = run_dir;
    options_.memory = mib(512);
    options_.cpu_slots = 4;  // wherever the test runs, there is a CPU for enclaves
    options_.overcommit = true;
    options_.force = force;
    ended_ = std::async(std::launch::async, [this, node] {
      return start(options_, std::make_unique<bridge::FakeBridge>(node));
    });
    while (!serves(run_dir)) {
      REQUIRE(ended_.wait_for(std::chrono::milliseconds(1)) == std::future_status::timeout);
    }
  }
  Status wait() { return ended_.get(); }

 private:
  Options options_;
  std::future<Status> ended_;
};

void ask_to_stop() { ::kill(::getpid(), SIGTERM); }

constexpr const char* descriptor = "<pisces name='a'/>";

}  // namespace

TEST_CASE("a stop in order leaves nothing behind", "[leviathan]") {
  const TestDir dir;
  const auto run_dir = dir.path() / "run";
  Running leviathan(run_dir, std::make_shared<bridge::FakeNode>());
  ask_to_stop();
  CHECK(leviathan.wait());
  CHECK(!std::filesystem::exists(run_dir));
}

TEST_CASE("a stop is refused while enclaves live, and done when they are gone", "[leviathan]") {
  const TestDir dir;
  Running leviathan(dir.path() / "run", std::make_shared<bridge::FakeNode>());
  {
    auto client = client::Client::open(dir.path() / "run");
    REQUIRE(client->create_enclave(descriptor, "a.xml", ""));
    ask_to_stop();
    CHECK(client->ping("a", Bytes(64)));
    CHECK(client->destroy_enclave("a"));
  }
  ask_to_stop();
  CHECK(leviathan.wait());
}

TEST_CASE("a forced stop destroys the enclaves", "[leviathan]") {
  const TestDir dir;
  const auto node = std::make_shared<bridge::FakeNode>();
  Running leviathan(dir.path() / "run", node, true);
  {
    auto client = client::Client::open(dir.path() / "run");
    REQUIRE(client->create_enclave(descriptor, "a.xml", ""));
  }
  ask_to_stop();
  CHECK(leviathan.wait());
  CHECK(node->enclaves().empty());
  CHECK(!std::filesystem::exists(dir.path() / "run"));
}

TEST_CASE("a second leviathan in the same run directory is refused", "[leviathan]") {
  const TestDir dir;
  Running leviathan(dir.path() / "run", std::make_shared<bridge::FakeNode>());
  Options options;
  options.run_dir = dir.path() / "run";
  const Status second = start(options, std::make_unique<bridge::FakeBridge>());
  REQUIRE(!second);
  CHECK(second.error().code() == Code::busy);
  ask_to_stop();
  CHECK(leviathan.wait());
}
