// SPDX-License-Identifier: Apache-2.0
// The life of an enclave: created whole or not at all, ended for certain, its death noticed.
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>

#include "leviathan/enclaves/destroy.hpp"
#include "leviathan/test_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

constexpr const char* all_free = "cpus 0=master 1=free 2=free 3=free | blocks free:8";

/// Remembers what it hears of, and lets a test wait for an end.
class Listener final : public EnclaveObserver {
 public:
  void enclave_started(const std::shared_ptr<LiveEnclave>& enclave, bool adopted) override {
    hear("started " + enclave->name + (adopted ? " again" : ""));
  }
  void enclave_ended(EnclaveId enclave) override { hear("ended " + std::to_string(enclave.value)); }
  void app_ended(EnclaveId enclave, const hobbes_app_status& status) override {
    hear("app " + std::to_string(status.app_id) + " of " + std::to_string(enclave.value) + " ended");
  }
  void wait_for(const std::string& wanted) {
    std::unique_lock lock(mutex_);
    heard_.wait(lock, [&] { return all_.ends_with(wanted); });
  }
  std::string all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  void hear(const std::string& what) {
    const std::lock_guard lock(mutex_);
    all_ += (all_.empty() ? "" : ", ") + what;
    heard_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable heard_;
  std::string all_;
};

std::string refusal(const Result<std::string>& result, Code code) {
  if (result) return "accepted";
  CHECK(result.error().code() == code);
  return result.error().text();
}

}  // namespace

TEST_CASE("a created enclave runs with what its descriptor asks for", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a", 2, 3));
  CHECK(node.owners() == "cpus 0=master 1=a 2=a 3=free | blocks a:3 free:5");
  const auto record = node.record("a");
  CHECK(record.state == db::EnclaveState::running);
  CHECK(record.type == db::EnclaveType::pisces);
  CHECK(record.bridge == "fake");
  CHECK(record.owner_uid == 7);
  CHECK(!record.bridge_state.empty());
  const auto txn = node.node().db().read();
  CHECK(txn->find_queue("a-cmdq")->has_value());
  CHECK(txn->get<db::Cpu>({CpuId(2), 0})->value().logical_id == 1);
  node.check_sound();
}

TEST_CASE("the request's name wins over the descriptor's, and one is made up where there is none", "[leviathan]") {
  TestNode node;
  CHECK(*node.create_xml("<pisces name='x'/>", "y") == "y");
  CHECK(*node.create_xml("<pisces name='x'/>") == "x");
  CHECK(*node.create_xml("<pisces/>") == "enclave-3");
}

TEST_CASE("an enclave that cannot be made leaves the node as it was", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  const std::string before = node.owners();
  SECTION("its name is taken") { CHECK_THAT(refusal(node.create("a"), Code::exists), Catch::Contains("'a' is taken")); }
  SECTION("the master's name is taken") { refusal(node.create("master"), Code::exists); }
  SECTION("too few CPUs") { refusal(node.create("b", 3), Code::exhausted); }
  SECTION("too little memory") { refusal(node.create("b", 1, 8), Code::exhausted); }
  SECTION("a CPU of Linux's") { refusal(node.create_xml("<pisces><boot_env cpu='0'/></pisces>"), Code::busy); }
  SECTION("a CPU that is not there") { refusal(node.create_xml("<pisces><boot_env cpu='9'/></pisces>"), Code::not_found); }
  SECTION("another bridge") {
    CHECK_THAT(refusal(node.create_xml("<pisces bridge='kvm'/>"), Code::unsupported), Catch::Contains("kvm"));
  }
  SECTION("not a descriptor") { refusal(node.create_xml("<vm/>"), Code::invalid); }
  SECTION("it does not boot") {
    node.world().fail_next(bridge::FakeStep::boot, Error(Code::timeout, "boot: no answer"));
    CHECK_THAT(refusal(node.create("b", 2, 2), Code::timeout), Catch::Contains("'b'"));
    CHECK(!std::filesystem::exists(node.node().enclave_dir(EnclaveId(2))));
  }
  CHECK(node.owners() == before);
  node.check_sound();
  node.check_scrubbed();
}

TEST_CASE("a destroyed enclave gives everything back", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a", 3, 4));
  REQUIRE(enclaves::destroy_enclave(node.node(), "a"));
  CHECK(node.owners() == all_free);
  CHECK(node.world().enclaves().empty());
  CHECK(!node.node().live("a"));
  node.check_sound();
  node.check_scrubbed();
}

TEST_CASE("an enclave whose kernel hangs is destroyed all the same", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  node.kernel().hang();
  REQUIRE(enclaves::destroy_enclave(node.node(), "a"));
  CHECK(node.owners() == all_free);
  node.check_sound();
}

TEST_CASE("neither the master nor an unknown enclave can be destroyed", "[leviathan]") {
  TestNode node;
  CHECK(enclaves::destroy_enclave(node.node(), "master").error().code() == Code::invalid);
  CHECK(enclaves::destroy_enclave(node.node(), "x").error().code() == Code::not_found);
}

TEST_CASE("an enclave that dies is Crashed with its reason, keeps its resources, and can be destroyed", "[leviathan]") {
  TestNode node;
  Listener listener;
  node.node().observe(listener);
  REQUIRE(node.create("a"));
  node.kernel().die("panic: test");
  listener.wait_for("ended 1");

  const auto record = node.record("a");
  CHECK(record.state == db::EnclaveState::crashed);
  CHECK(record.reason == "panic: test");
  CHECK(node.owners() == "cpus 0=master 1=a 2=free 3=free | blocks a:1 free:7");
  CHECK(node.node().live("a").error().code() == Code::unavailable);
  node.check_sound();

  REQUIRE(enclaves::destroy_enclave(node.node(), "a"));
  CHECK(node.owners() == all_free);
  node.check_sound();
  node.check_scrubbed();
}

TEST_CASE("observers hear of an enclave's start and of its end, once each", "[leviathan]") {
  TestNode node;
  Listener listener;
  node.node().observe(listener);
  REQUIRE(node.create("a"));
  REQUIRE(enclaves::destroy_enclave(node.node(), "a"));
  node.settle_loop();
  CHECK(listener.all() == "started a, ended 1");
}

TEST_CASE("requests in flight are answered when their enclave dies", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  node.kernel().hang();
  const auto live = node.node().live("a");
  REQUIRE(live);
  std::promise<Code> answered;
  (*live)->control.request(HOBBES_CMD_PING, {}, std::chrono::hours(1), [&](const Result<ControlQueue::Payload>& answer) {
    answered.set_value(answer ? Code::invalid : answer.error().code());
  });
  node.kernel().die();
  CHECK(answered.get_future().get() == Code::unavailable);
}

TEST_CASE("a command the kernel does not answer ends at its deadline", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  node.kernel().hang();
  const auto answer = (*node.node().live("a"))->control.call(HOBBES_CMD_PING, {}, std::chrono::milliseconds(1));
  REQUIRE(!answer);
  CHECK(answer.error().code() == Code::timeout);
}
