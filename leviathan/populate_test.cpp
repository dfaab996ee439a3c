// SPDX-License-Identifier: Apache-2.0
// How a node's CPUs are shared out, and that a fresh database of it is sound.
#include "leviathan/populate.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "db/check.hpp"
#include "leviathan/inventory.hpp"
#include "base/test_dir.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

std::vector<db::Cpu> cpus(std::uint32_t count) {
  std::vector<db::Cpu> all(count);
  for (std::uint32_t i = 0; i < count; ++i) all[i].id = CpuId(i);
  return all;
}

/// "0L 1 1.1": CPU 0 is Linux's, CPU 1 is free in two slots.
std::string shared(std::uint32_t count, const CpuPolicy& policy) {
  const auto records = share_out(cpus(count), policy);
  if (!records) return records.error().text();
  std::string text;
  for (const db::Cpu& cpu : *records) {
    text += (text.empty() ? "" : " ") + std::to_string(cpu.id.value);
    if (cpu.slot != 0) text += "." + std::to_string(cpu.slot);
    if (cpu.state == db::ResourceState::allocated && cpu.owner == master_enclave) text += "L";
  }
  return text;
}

}  // namespace

TEST_CASE("Linux keeps CPU 0, the others are free", "[leviathan]") { CHECK(shared(4, {}) == "0L 1 2 3"); }

TEST_CASE("Linux keeps what --cpulist says", "[leviathan]") {
  CHECK(shared(4, {.linux_cpus = std::vector{CpuId(1), CpuId(3)}}) == "0 1L 2 3L");
}

TEST_CASE("overcommitted CPUs are free several times", "[leviathan]") {
  CHECK(shared(2, {.linux_cpus = {}, .slots = 3, .overcommit = true}) == "0L 0.1 0.2 0.3 1 1.1 1.2");
  CHECK(shared(2, {.linux_cpus = std::vector{CpuId(0)}, .slots = 3, .overcommit = true}) == "0L 1 1.1 1.2");
}

TEST_CASE("the only CPU is Linux's, and shared if overcommitment was asked for", "[leviathan]") {
  CHECK(shared(1, {}) == "0L");
  CHECK(shared(1, {.linux_cpus = {}, .slots = 2, .overcommit = true}) == "0L 0.1 0.2");
}

TEST_CASE("a CPU that is not there cannot be Linux's, and Linux needs one", "[leviathan]") {
  CHECK_THAT(shared(2, {.linux_cpus = std::vector{CpuId(7)}}), Catch::Contains("no CPU 7"));
  CHECK_THAT(shared(2, {.linux_cpus = std::vector<CpuId>{}}), Catch::Contains("at least one"));
}

TEST_CASE("this machine's own hardware makes a sound database", "[leviathan]") {
  const TestDir dir;
  auto environment = db::Environment::create(dir.path());
  REQUIRE(environment);
  CHECK(*is_empty(*environment));

  const auto found = find_cpus();
  REQUIRE(found);
  Hardware hardware;
  hardware.cpus = *share_out(*found, {});
  hardware.blocks = {{.base = mib(4096).value, .size = mib(128), .numa = any_numa, .backing = ""}};
  hardware.devices = find_pci_devices();
  hardware.block_size = mib(128);
  hardware.numa_nodes = count_numa_nodes(*found);
  REQUIRE(populate(*environment, hardware));

  CHECK(!*is_empty(*environment));
  const auto txn = environment->read();
  CHECK(db::check(*txn) == std::vector<std::string>{});
  CHECK(txn->find_enclave("master")->value().id == master_enclave);
}
