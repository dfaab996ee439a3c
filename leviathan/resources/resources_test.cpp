// SPDX-License-Identifier: Apache-2.0
// Memory and CPUs move between the pool and enclaves whole or not at all.
#include <catch2/catch.hpp>

#include "kernel-bridge/abi/queue.h"
#include "leviathan/enclaves/destroy.hpp"
#include "leviathan/resources/cpus.hpp"
#include "leviathan/resources/devices.hpp"
#include "leviathan/resources/memory.hpp"
#include "leviathan/test_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

Result<std::string> assign_memory(TestNode& node, std::uint64_t size_mib, bool contiguous = false, const char* to = "a") {
  return resources::assign_memory(
      node.node(), {.enclave = to, .size = mib(size_mib), .numa = any_numa, .contiguous = contiguous});
}
Result<std::string> remove_memory(TestNode& node, std::uint64_t size_mib, const char* from = "a") {
  return resources::remove_memory(node.node(),
                                  {.enclave = from, .size = mib(size_mib), .numa = any_numa, .contiguous = false});
}
Result<std::string> assign_cpus(TestNode& node, std::uint64_t count, std::vector<CpuId> cpus = {}, const char* to = "a") {
  return resources::assign_cpus(node.node(), {.enclave = to, .cpus = std::move(cpus), .count = count, .numa = any_numa});
}
Result<std::string> remove_cpus(TestNode& node, std::uint64_t count, std::vector<CpuId> cpus = {}, const char* from = "a") {
  return resources::remove_cpus(node.node(),
                                {.enclave = from, .cpus = std::move(cpus), .count = count, .numa = any_numa});
}

Result<std::string> assign_device(TestNode& node, const char* name, const char* address, const char* to = "a") {
  return resources::assign_device(node.node(), {.enclave = to, .device = name, .address = address});
}
Result<std::string> remove_device(TestNode& node, const char* name, const char* from = "a") {
  return resources::remove_device(node.node(), {.enclave = from, .device = name});
}

std::string text(const Result<std::string>& result) { return result ? *result : result.error().text(); }

constexpr const char* with_a = "cpus 0=master 1=a 2=free 3=free | blocks a:1 free:7";

}  // namespace

TEST_CASE("assigned memory reaches the enclave's kernel and comes back zeroed", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  CHECK(text(assign_memory(node, 256)) == "Assigned 256 MiB of possibly discontiguous memory to enclave a");
  CHECK(node.owners() == "cpus 0=master 1=a 2=free 3=free | blocks a:3 free:5");
  CHECK(node.kernel().known_blocks().size() == 3);
  CHECK(node.kernel().plugged_blocks().size() == 3);

  CHECK(text(remove_memory(node, 256)) == "Removed 256 MiB of memory from enclave a");
  CHECK(node.owners() == with_a);
  CHECK(node.kernel().known_blocks().size() == 1);
  CHECK(node.kernel().plugged_blocks().size() == 1);
  node.check_sound();
  node.check_scrubbed();
}

TEST_CASE("a size is rounded up to blocks, and the operator is told", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  CHECK(text(assign_memory(node, 130, true)) ==
        "rounded 130 MiB up to whole memory blocks\nAssigned 256 MiB of contiguous memory to enclave a");
}

TEST_CASE("memory the kernel uses is passed over; if too little is left, all stays", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  REQUIRE(assign_memory(node, 384));
  node.kernel().use_memory(node.kernel().known_blocks().back());
  CHECK(remove_memory(node, 128));
  CHECK(node.owners() == "cpus 0=master 1=a 2=free 3=free | blocks a:3 free:5");

  const auto too_much = remove_memory(node, 256);
  REQUIRE(!too_much);
  CHECK(too_much.error().code() == Code::busy);
  CHECK(node.owners() == "cpus 0=master 1=a 2=free 3=free | blocks a:3 free:5");
  CHECK(node.kernel().known_blocks().size() == 3);
  node.check_sound();
}

TEST_CASE("an enclave keeps the block it booted from", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  const auto refused = remove_memory(node, 128);
  REQUIRE(!refused);
  CHECK(refused.error().code() == Code::exhausted);
  CHECK(node.owners() == with_a);
}

TEST_CASE("memory that cannot be plugged in goes back to the pool", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  node.world().fail_next(bridge::FakeStep::add_memory, Error(Code::io, "plug: no"));
  CHECK(!assign_memory(node, 256));
  CHECK(node.owners() == with_a);
  node.check_sound();
}

TEST_CASE("requests that make no sense change nothing", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  CHECK(assign_memory(node, 0).error().code() == Code::invalid);
  CHECK(assign_memory(node, 128 * 8).error().code() == Code::exhausted);
  CHECK(assign_memory(node, 128, false, "x").error().code() == Code::not_found);
  CHECK(assign_cpus(node, 0).error().code() == Code::invalid);
  CHECK(assign_cpus(node, 3).error().code() == Code::exhausted);
  CHECK(assign_cpus(node, 0, {CpuId(0)}).error().code() == Code::busy);
  CHECK(remove_cpus(node, 0, {CpuId(2)}).error().code() == Code::not_found);
  CHECK(node.owners() == with_a);
  node.check_sound();
}

TEST_CASE("CPUs are assigned by number or by name, and removed again", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  CHECK(text(assign_cpus(node, 0, {CpuId(3)})) == "Assigned 1 cpu (3) to enclave a");
  CHECK(text(assign_cpus(node, 1)) == "Assigned 1 cpu (2) to enclave a");
  CHECK(node.owners() == "cpus 0=master 1=a 2=a 3=a | blocks a:1 free:7");
  CHECK(node.node().db().read()->get<db::Cpu>({CpuId(3), 0})->value().logical_id == 1);

  CHECK(text(remove_cpus(node, 0, {CpuId(3)})) == "Removed 1 cpu (3) from enclave a");
  CHECK(text(remove_cpus(node, 1)) == "Removed 1 cpu (2) from enclave a");
  CHECK(node.owners() == with_a);
  CHECK(node.kernel().plugged_cpus().size() == 1);
  node.check_sound();
}

TEST_CASE("an enclave keeps the CPU it booted on", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  CHECK(remove_cpus(node, 1).error().code() == Code::exhausted);
  CHECK(remove_cpus(node, 0, {CpuId(1)}).error().code() == Code::busy);
  CHECK(node.owners() == with_a);
}

TEST_CASE("the Linux side takes from the pool and gives back, but keeps a CPU", "[leviathan]") {
  TestNode node;
  REQUIRE(assign_cpus(node, 0, {CpuId(2)}, "master"));
  REQUIRE(assign_memory(node, 128, false, "master"));
  CHECK(node.owners() == "cpus 0=master 1=free 2=master 3=free | blocks free:7 master:1");
  REQUIRE(remove_cpus(node, 1, {}, "master"));
  REQUIRE(remove_memory(node, 128, "master"));
  CHECK(node.owners() == "cpus 0=master 1=free 2=free 3=free | blocks free:8");
  CHECK(remove_cpus(node, 1, {}, "master").error().code() == Code::exhausted);
  node.check_sound();
}

TEST_CASE("a device goes to an enclave under a name and comes back", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  CHECK(text(assign_device(node, "nic0", "7fff:00:03.0")) == "Assigned PCI device 7fff:00:03.0 to enclave a as nic0");
  CHECK(node.devices() == "03=a:nic0 04=master");
  CHECK(node.kernel().plugged_devices() == std::vector<std::string>{"7fff:00:03.0"});
  CHECK(node.kernel().known_devices() == std::vector<std::string>{"nic0"});

  CHECK(text(remove_device(node, "nic0")) == "Removed PCI device 7fff:00:03.0 from enclave a");
  CHECK(node.devices() == "03=free 04=master");
  CHECK(node.kernel().plugged_devices().empty());
  CHECK(node.kernel().known_devices().empty());
  node.check_sound();
}

TEST_CASE("a device of Linux's is taken from its driver; what has none afterwards is free", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  REQUIRE(assign_device(node, "nic1", "7fff:00:04.0"));
  CHECK(node.devices() == "03=free 04=a:nic1");
  REQUIRE(enclaves::destroy_enclave(node.node(), "a"));
  CHECK(node.devices() == "03=free 04=free");
  node.check_sound();
}

TEST_CASE("a device that the enclave cannot have stays where it was", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  SECTION("the bridge refuses") {
    node.world().fail_next(bridge::FakeStep::add_device, Error(Code::busy, "plug: no"));
    CHECK(assign_device(node, "nic0", "7fff:00:03.0").error().code() == Code::busy);
  }
  SECTION("the kernel refuses") {
    node.kernel().fail_command(HOBBES_CMD_ADD_PCI, Error(Code::unsupported, "no driver"));
    CHECK(assign_device(node, "nic0", "7fff:00:03.0").error().code() == Code::unsupported);
  }
  CHECK(node.devices() == "03=free 04=master");
  CHECK(node.kernel().plugged_devices().empty());
  node.check_sound();
}

TEST_CASE("requests for devices that make no sense change nothing", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create("a"));
  REQUIRE(node.create("b"));
  REQUIRE(assign_device(node, "nic0", "7fff:00:03.0"));
  CHECK(assign_device(node, "nic1", "7fff:00:03.0", "b").error().code() == Code::busy);
  CHECK(assign_device(node, "nic0", "7fff:00:04.0").error().code() == Code::exists);
  CHECK(assign_device(node, "nic1", "7fff:00:05.0").error().code() == Code::not_found);
  CHECK(assign_device(node, "nic1", "05.0").error().code() == Code::invalid);
  CHECK(assign_device(node, "n c", "7fff:00:04.0").error().code() == Code::invalid);
  CHECK(assign_device(node, "nic1", "7fff:00:04.0", "master").error().code() == Code::invalid);
  CHECK(remove_device(node, "nic0", "b").error().code() == Code::not_found);
  CHECK(remove_device(node, "nic1").error().code() == Code::not_found);
  CHECK(node.devices() == "03=a:nic0 04=master");
  node.check_sound();
}
