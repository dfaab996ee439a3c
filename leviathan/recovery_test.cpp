// SPDX-License-Identifier: Apache-2.0
// A leviathan that ends anywhere between the halves of an operation loses nothing: the next one finds or makes a sound
// state, and what ran runs on. An end is an exception thrown at a fault point: it unwinds without running the rest of the
// operation, as a death would.
#include "leviathan/recovery.hpp"

#include <catch2/catch.hpp>

#include "leviathan/enclaves/destroy.hpp"
#include "leviathan/fault_point.hpp"
#include "leviathan/resources/cpus.hpp"
#include "leviathan/resources/devices.hpp"
#include "leviathan/resources/memory.hpp"
#include "leviathan/test_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

struct Killed {};
std::string_view kill_at;

/// While it lives, reaching the fault point of that name is the end.
class KillAt {
 public:
  explicit KillAt(std::string_view name) {
    kill_at = name;
    fault::observe([](std::string_view reached) {
      if (reached == kill_at) throw Killed{};
    });
  }
  KillAt(const KillAt&) = delete;
  KillAt& operator=(const KillAt&) = delete;
  ~KillAt() { fault::observe(nullptr); }
};

/// Does `operation` up to `point`, then starts the next leviathan.
template <typename Operation>
void kill_and_restart(TestNode& node, std::string_view point, Operation operation) {
  {
    const KillAt kill(point);
    REQUIRE_THROWS_AS(operation(), Killed);
  }
  node.restart();
  node.check_sound();
  node.check_scrubbed();
}

bool answers(TestNode& node, const std::string& enclave) {
  const auto live = node.node().live(enclave);
  return live && (*live)->control.call(HOBBES_CMD_PING, {}, std::chrono::seconds(10));
}

constexpr const char* all_free = "cpus 0=master 1=free 2=free 3=free | blocks free:8";
constexpr const char* with_a = "cpus 0=master 1=a 2=free 3=free | blocks a:1 free:7";

}  // namespace

TEST_CASE("a creation that did not end leaves nothing", "[leviathan]") {
  const auto point = GENERATE(fault::create_reserved, fault::create_booted);
  CAPTURE(point);
  TestNode node;
  kill_and_restart(node, point, [&] { return node.create("a", 2, 3); });
  CHECK(node.owners() == all_free);
  CHECK(node.world().enclaves().empty());
  CHECK(node.create("a"));
}

TEST_CASE("a destruction that did not end is finished", "[leviathan]") {
  const auto point = GENERATE(fault::destroy_journaled, fault::destroy_ended);
  CAPTURE(point);
  TestNode node;
  REQUIRE(node.create("a", 2, 2));
  kill_and_restart(node, point, [&] { return enclaves::destroy_enclave(node.node(), "a"); });
  CHECK(node.owners() == all_free);
  CHECK(node.world().enclaves().empty());
}

TEST_CASE("an assignment of memory that did not end is undone", "[leviathan]") {
  const auto point = GENERATE(fault::assign_memory_reserved, fault::assign_memory_plugged);
  CAPTURE(point);
  TestNode node;
  REQUIRE(node.create("a"));
  kill_and_restart(node, point, [&] {
    return resources::assign_memory(node.node(), {.enclave = "a", .size = mib(256), .numa = any_numa, .contiguous = false});
  });
  CHECK(node.owners() == with_a);
  CHECK(answers(node, "a"));
  CHECK(node.kernel().plugged_blocks().size() == 1);
}

TEST_CASE("memory that an enclave uses by then stays with it", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  {
    const KillAt kill(fault::assign_memory_plugged);
    REQUIRE_THROWS_AS(resources::assign_memory(node.node(), {.enclave = "a", .size = mib(128), .numa = any_numa, .contiguous = false}),
                      Killed);
  }
  for (const std::uint64_t block : node.kernel().known_blocks()) node.kernel().use_memory(block);
  node.restart();
  node.check_sound();
  CHECK(node.owners() == "cpus 0=master 1=a 2=free 3=free | blocks a:2 free:6");
}

TEST_CASE("a removal of memory that did not end is finished", "[leviathan]") {
  const auto point = GENERATE(fault::remove_memory_reserved, fault::remove_memory_unplugged);
  CAPTURE(point);
  TestNode node;
  REQUIRE(node.create("a"));
  REQUIRE(resources::assign_memory(node.node(), {.enclave = "a", .size = mib(128), .numa = any_numa, .contiguous = false}));
  kill_and_restart(node, point, [&] {
    return resources::remove_memory(node.node(), {.enclave = "a", .size = mib(128), .numa = any_numa, .contiguous = false});
  });
  CHECK(node.owners() == with_a);
  CHECK(answers(node, "a"));
}

TEST_CASE("an assignment of CPUs that did not end is undone", "[leviathan]") {
  const auto point = GENERATE(fault::assign_cpu_reserved, fault::assign_cpu_plugged);
  CAPTURE(point);
  TestNode node;
  REQUIRE(node.create("a"));
  kill_and_restart(node, point, [&] {
    return resources::assign_cpus(node.node(), {.enclave = "a", .cpus = {}, .count = 2, .numa = any_numa});
  });
  CHECK(node.owners() == with_a);
  CHECK(answers(node, "a"));
  CHECK(node.kernel().plugged_cpus().size() == 1);
}

TEST_CASE("an assignment of a device that did not end is undone", "[leviathan]") {
  const auto point = GENERATE(fault::assign_device_reserved, fault::assign_device_plugged);
  CAPTURE(point);
  TestNode node;
  REQUIRE(node.create("a"));
  kill_and_restart(node, point, [&] {
    return resources::assign_device(node.node(), {.enclave = "a", .device = "nic0", .address = "7fff:00:03.0"});
  });
  CHECK(node.devices() == "03=free 04=master");
  CHECK(node.kernel().plugged_devices().empty());
}

TEST_CASE("a removal of a device that did not end is finished", "[leviathan]") {
  const auto point = GENERATE(fault::remove_device_reserved, fault::remove_device_unplugged);
  CAPTURE(point);
  TestNode node;
  REQUIRE(node.create("a"));
  REQUIRE(resources::assign_device(node.node(), {.enclave = "a", .device = "nic0", .address = "7fff:00:03.0"}));
  kill_and_restart(node, point, [&] { return resources::remove_device(node.node(), {.enclave = "a", .device = "nic0"}); });
  CHECK(node.devices() == "03=free 04=master");
  CHECK(node.kernel().plugged_devices().empty());
}

TEST_CASE("a removal of CPUs that did not end is finished", "[leviathan]") {
  const auto point = GENERATE(fault::remove_cpu_reserved, fault::remove_cpu_unplugged);
  CAPTURE(point);
  TestNode node;
  REQUIRE(node.create("a", 2));
  kill_and_restart(node, point, [&] {
    return resources::remove_cpus(node.node(), {.enclave = "a", .cpus = {}, .count = 1, .numa = any_numa});
  });
  CHECK(node.owners() == with_a);
  CHECK(answers(node, "a"));
}

TEST_CASE("enclaves live through any number of leviathans", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  REQUIRE(node.create("b"));
  for (int i = 0; i < 3; ++i) {
    node.restart();
    CHECK(answers(node, "a"));
    CHECK(answers(node, "b"));
  }
  node.check_sound();
  REQUIRE(enclaves::destroy_all(node.node()));
  CHECK(node.owners() == all_free);
}

TEST_CASE("an enclave that ended while leviathan was down is Crashed and keeps its resources until it is destroyed",
          "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  node.stop();
  node.kernel().die();
  node.restart();
  CHECK(node.record("a").state == db::EnclaveState::crashed);
  CHECK(node.owners() == with_a);
  node.check_sound();
  REQUIRE(enclaves::destroy_enclave(node.node(), "a"));
  CHECK(node.owners() == all_free);
  node.check_scrubbed();
}

TEST_CASE("what was moving when both leviathan and the enclave died comes back with the enclave", "[leviathan]") {
  const auto point = GENERATE(fault::assign_memory_plugged, fault::assign_memory_reserved);
  TestNode node;
  REQUIRE(node.create("a"));
  {
    const KillAt kill(point);
    REQUIRE_THROWS_AS(resources::assign_memory(node.node(), {.enclave = "a", .size = mib(128), .numa = any_numa, .contiguous = false}),
                      Killed);
  }
  node.stop();
  node.kernel().die();
  node.restart();
  node.check_sound();
  REQUIRE(enclaves::destroy_enclave(node.node(), "a"));
  CHECK(node.owners() == all_free);
  node.check_scrubbed();
}
