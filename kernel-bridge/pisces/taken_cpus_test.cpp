// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/pisces/taken_cpus.hpp"

#include <catch2/catch.hpp>

#include "kernel-bridge/linux/fake_node_files.hpp"

namespace hobbes::bridge {
namespace {

const std::string cpus = "sys/devices/system/cpu/";

struct World {
  World() {
    node.put(cpus + "online", "0-2");
    for (const char* number : {"1", "2"}) node.put(cpus + "cpu" + number + "/online", "1");
  }
  [[nodiscard]] std::string states() const {
    return node.get(cpus + "cpu1/online") + node.get(cpus + "cpu2/online");
  }

  const FakeNodeFiles node;
  const TestDir dir;
};

}  // namespace

TEST_CASE("a CPU that a killed leviathan took is given back by the next", "[pisces]") {
  const World world;
  {
    TakenCpus killed(world.dir.path() / "cpus", LinuxCpus(world.node.files()));
    REQUIRE(killed.take(CpuId(1)));
    REQUIRE(killed.take(CpuId(2)));
    REQUIRE(world.states() == "00");
  }
  TakenCpus next(world.dir.path() / "cpus", LinuxCpus(world.node.files()));
  REQUIRE(next.give_back_all_but({CpuId(2)}));
  CHECK(world.states() == "10");
  REQUIRE(next.give_back(CpuId(2)));
  CHECK(world.states() == "11");
  CHECK_FALSE(std::filesystem::exists(world.dir.path() / "cpus"));
}

TEST_CASE("a CPU that somebody else put offline stays so", "[pisces]") {
  const World world;
  world.node.put(cpus + "cpu1/online", "0");
  TakenCpus taken(world.dir.path() / "cpus", LinuxCpus(world.node.files()));
  CHECK(taken.take(CpuId(1)).error().code() == Code::busy);
  REQUIRE(taken.give_back_all_but({}));
  CHECK(world.states() == "01");
}

TEST_CASE("a CPU that Linux keeps is not noted", "[pisces]") {
  const World world;
  world.node.refuse(cpus + "cpu1/online");
  TakenCpus taken(world.dir.path() / "cpus", LinuxCpus(world.node.files()));
  CHECK_FALSE(taken.take(CpuId(1)));
  CHECK_FALSE(std::filesystem::exists(world.dir.path() / "cpus"));
}

TEST_CASE("a note that is none is no reason to touch a CPU", "[pisces]") {
  const World world;
  std::ofstream(world.dir.path() / "cpus") << "nonsense\n";
  TakenCpus taken(world.dir.path() / "cpus", LinuxCpus(world.node.files()));
  CHECK_FALSE(taken.give_back_all_but({}));
  CHECK(world.states() == "11");
}

}  // namespace hobbes::bridge
