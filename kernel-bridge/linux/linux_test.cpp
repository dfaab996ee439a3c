// SPDX-License-Identifier: Apache-2.0
// What is asked of Linux, and what becomes of it when Linux refuses, on a tree of files. That Linux does it is for
// the rig's scenario "hotremove".
#include <catch2/catch.hpp>
#include <memory>

#include "kernel-bridge/linux/fake_node_files.hpp"
#include "kernel-bridge/linux/linux_cpus.hpp"
#include "kernel-bridge/linux/linux_memory.hpp"
#include "kernel-bridge/linux/linux_pci.hpp"

namespace hobbes::bridge {
namespace {

const std::string cpus = "sys/devices/system/cpu/";
const std::string memory = "sys/devices/system/memory/";
const std::string nodes = "sys/devices/system/node/";
const std::string pci = "sys/bus/pci/";
constexpr std::uint64_t block_size = 0x8000000;

using Node = std::unique_ptr<const FakeNodeFiles>;

Node four_cpus() {
  auto made = std::make_unique<FakeNodeFiles>();
  const FakeNodeFiles& node = *made;
  node.put(cpus + "online", "0-3");
  node.put(cpus + "cpu0/topology/core_id", "0");  // without a switch, as the boot CPU is
  for (const char* number : {"1", "2", "3"}) node.put(cpus + "cpu" + number + "/online", "1");
  return made;
}

void put_block(const FakeNodeFiles& node, int number, int numa, std::string_view zones) {
  const std::string name = "memory" + std::to_string(number);
  node.put(memory + name + "/state", "online");
  node.put(memory + name + "/valid_zones", zones);
  node.put(nodes + "node" + std::to_string(numa) + "/" + name + "/state", "");
}

/// Node 0 has blocks 0 to 2, of which 1 and 2 are movable; node 1 has 3, which is, too.
Node four_blocks() {
  auto made = std::make_unique<FakeNodeFiles>();
  const FakeNodeFiles& node = *made;
  node.put(memory + "block_size_bytes", "8000000");
  put_block(node, 0, 0, "none");
  put_block(node, 1, 0, "Movable");
  put_block(node, 2, 0, "Movable");
  put_block(node, 3, 1, "Movable");
  return made;
}

std::string states(const FakeNodeFiles& node) {
  std::string text;
  for (const char* number : {"0", "1", "2", "3"}) text += node.get(memory + "memory" + number + "/state") + ' ';
  return text;
}

}  // namespace

TEST_CASE("a CPU is taken offline and put online again", "[linux]") {
  const Node made = four_cpus();
  const FakeNodeFiles& node = *made;
  const LinuxCpus linux_cpus(node.files());
  REQUIRE(linux_cpus.take(CpuId(1)));
  CHECK(node.get(cpus + "cpu1/online") == "0");
  CHECK_FALSE(linux_cpus.is_online(CpuId(1)).value());
  REQUIRE(linux_cpus.take(CpuId(1)));
  REQUIRE(linux_cpus.give_back(CpuId(1)));
  CHECK(node.get(cpus + "cpu1/online") == "1");
}

TEST_CASE("a CPU that is not there, or that Linux needs, is refused", "[linux]") {
  const Node made = four_cpus();
  const FakeNodeFiles& node = *made;
  const LinuxCpus linux_cpus(node.files());
  CHECK(linux_cpus.take(CpuId(9)).error().code() == Code::not_found);
  CHECK(linux_cpus.take(CpuId(0)).error().code() == Code::unsupported);
}

TEST_CASE("interrupts leave a CPU before it goes", "[linux]") {
  const Node made = four_cpus();
  const FakeNodeFiles& node = *made;
  node.put("proc/irq/9/smp_affinity_list", "0-3");
  node.put("proc/irq/24/smp_affinity_list", "2");
  node.put("proc/irq/25/smp_affinity_list", "0-1");
  node.put("proc/irq/default_smp_affinity", "f");
  REQUIRE(LinuxCpus(node.files()).take(CpuId(2)));
  CHECK(node.get("proc/irq/9/smp_affinity_list") == "0-1,3");
  CHECK(node.get("proc/irq/24/smp_affinity_list") == "0-1,3");
  CHECK(node.get("proc/irq/25/smp_affinity_list") == "0-1");
}

TEST_CASE("interrupts come back when the CPU does not go", "[linux]") {
  // The bug that this is against: a failed take left the node's interrupts elsewhere for good.
  const Node made = four_cpus();
  const FakeNodeFiles& node = *made;
  node.put("proc/irq/24/smp_affinity_list", "2");
  node.refuse(cpus + "cpu2/online");
  const Status taken = LinuxCpus(node.files()).take(CpuId(2));
  REQUIRE_FALSE(taken);
  CHECK(node.get("proc/irq/24/smp_affinity_list") == "2");
}

TEST_CASE("blocks are told with size, node and whether they can be emptied", "[linux]") {
  const Node made = four_blocks();
  const FakeNodeFiles& node = *made;
  const auto blocks = LinuxMemory(node.files()).blocks().value();
  REQUIRE(blocks.size() == 4);
  CHECK(blocks[0] == LinuxBlock{0, Bytes(block_size), NumaId(0), true, false});
  CHECK(blocks[3] == LinuxBlock{3 * block_size, Bytes(block_size), NumaId(1), true, true});
}

TEST_CASE("movable blocks are taken from the nodes in turn, the highest first", "[linux]") {
  const Node made = four_blocks();
  const FakeNodeFiles& node = *made;
  const auto taken = LinuxMemory(node.files()).take(2).value();
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].base == 2 * block_size);
  CHECK(taken[1].base == 3 * block_size);
  CHECK(states(node) == "online online offline offline ");
}

TEST_CASE("a block that cannot be emptied is passed over", "[linux]") {
  const Node made = four_blocks();
  const FakeNodeFiles& node = *made;
  node.refuse(memory + "memory2/state");
  REQUIRE(LinuxMemory(node.files()).take(2));
  CHECK(states(node) == "online offline online offline ");
}

TEST_CASE("when there are not enough blocks, none is taken", "[linux]") {
  const Node made = four_blocks();
  const FakeNodeFiles& node = *made;
  const auto taken = LinuxMemory(node.files()).take(4);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code() == Code::exhausted);
  CHECK(states(node) == "online online_movable online_movable online_movable ");
}

TEST_CASE("a block of no address Linux knows is refused", "[linux]") {
  const Node made = four_blocks();
  const FakeNodeFiles& node = *made;
  const LinuxMemory linux_memory(node.files());
  CHECK(linux_memory.take_block(4096).error().code() == Code::not_found);
  CHECK(linux_memory.take_block(77 * block_size).error().code() == Code::not_found);
  const FakeNodeFiles empty;
  CHECK(LinuxMemory(empty.files()).block_size().error().code() == Code::unsupported);
}

TEST_CASE("a device's driver lets go of it and takes it back", "[linux]") {
  const FakeNodeFiles node;
  node.put(pci + "devices/0000:00:03.0/vendor", "0x8086");
  node.put(pci + "devices/0000:00:03.0/driver_override", "(null)");
  node.put(pci + "drivers/e1000e/unbind", "");
  node.put(pci + "drivers/e1000e/bind", "");
  node.put_link(pci + "devices/0000:00:03.0/driver", "../../drivers/e1000e");
  const LinuxPci devices(node.files());
  CHECK(devices.take("0000:00:03.0").value() == "e1000e");
  CHECK(node.get(pci + "drivers/e1000e/unbind") == "0000:00:03.0");
  node.remove(pci + "devices/0000:00:03.0/driver");
  CHECK_FALSE(devices.take("0000:00:03.0").value());
  REQUIRE(devices.give_back("0000:00:03.0", "e1000e"));
  CHECK(node.get(pci + "drivers/e1000e/bind") == "0000:00:03.0");
}

TEST_CASE("when a driver does not take a device, the one before has it again", "[linux]") {
  const FakeNodeFiles node;
  node.put(pci + "devices/0000:00:03.0/driver_override", "(null)");
  node.put(pci + "drivers_probe", "");
  const Status bound = LinuxPci(node.files()).bind("0000:00:03.0", "vfio-pci");
  REQUIRE_FALSE(bound);
  CHECK(bound.error().code() == Code::unavailable);
  CHECK(node.get(pci + "devices/0000:00:03.0/driver_override").empty());
  CHECK(node.get(pci + "drivers_probe") == "0000:00:03.0");
}

TEST_CASE("a driver's devices are those that are linked in its folder", "[linux]") {
  const FakeNodeFiles node;
  node.put(pci + "drivers/pisces/bind", "");
  node.put_link(pci + "drivers/pisces/0000:00:12.0", "../../devices/0000:00:12.0");
  node.put_link(pci + "drivers/pisces/0000:00:03.0", "../../devices/0000:00:03.0");
  const LinuxPci devices(node.files());
  CHECK(devices.devices_of("pisces") == std::vector<std::string>{"0000:00:03.0", "0000:00:12.0"});
  CHECK(devices.devices_of("vfio-pci").empty());
}

TEST_CASE("what is no device's name is refused before any file is touched", "[linux]") {
  const FakeNodeFiles node;
  const LinuxPci devices(node.files());
  CHECK(devices.take("../../../etc").error().code() == Code::invalid);
  CHECK(devices.take("0000:00:03.0").error().code() == Code::not_found);
}

}  // namespace hobbes::bridge
