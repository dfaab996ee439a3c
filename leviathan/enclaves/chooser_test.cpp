// SPDX-License-Identifier: Apache-2.0
// Several choices for one enclave do not collide, and leave the transaction as it was.
#include "leviathan/enclaves/chooser.hpp"

#include <catch2/catch.hpp>

#include "db/check.hpp"
#include "leviathan/populate.hpp"
#include "base/test_dir.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

/// Linux has CPU 0; CPUs 1 and 2 may each be given twice; four blocks.
class SmallNode {
 public:
  SmallNode() {
    std::vector<db::Cpu> cpus(3);
    for (std::uint32_t i = 0; i < cpus.size(); ++i) cpus[i].id = CpuId(i), cpus[i].core = i;
    Hardware hardware;
    hardware.cpus = *share_out(cpus, {.linux_cpus = std::vector{CpuId(0)}, .slots = 2, .overcommit = true});
    for (std::uint64_t i = 0; i < 4; ++i) hardware.blocks.push_back({(i + 1) * mib(128).value, mib(128), any_numa, ""});
    hardware.block_size = mib(128);
    hardware.cpu_slots = 2;
    REQUIRE(populate(environment, hardware));
  }
  SmallNode(const SmallNode&) = delete;
  SmallNode& operator=(const SmallNode&) = delete;
  ~SmallNode() { CHECK(db::check(*environment.read()) == std::vector<std::string>{}); }

  TestDir dir;
  db::Environment environment = *db::Environment::create(dir.path());
};

constexpr EnclaveId newcomer{1};

}  // namespace

TEST_CASE("later choices do not take what earlier ones took", "[leviathan]") {
  SmallNode node;
  auto txn = *node.environment.write();
  auto chooser = Chooser::create(txn, newcomer);
  REQUIRE(chooser);
  REQUIRE(chooser->cpus(std::vector{CpuId(2)}));
  REQUIRE(chooser->cpus(1));
  REQUIRE(chooser->blocks(2, any_numa, true));
  REQUIRE(chooser->blocks(2));

  const auto chosen = std::move(*chooser).take();
  REQUIRE(chosen);
  REQUIRE(chosen->cpus.size() == 2);
  CHECK(chosen->cpus[0].id == CpuId(2));
  CHECK(chosen->cpus[1].id == CpuId(1));
  CHECK(chosen->blocks.size() == 4);
}

TEST_CASE("no enclave gets a CPU twice, however many may share it", "[leviathan]") {
  SmallNode node;
  auto txn = *node.environment.write();
  auto chooser = Chooser::create(txn, newcomer);
  REQUIRE(chooser);
  const auto too_many = chooser->cpus(3);
  REQUIRE(!too_many);
  CHECK(too_many.error().code() == Code::exhausted);

  REQUIRE(chooser->cpus(2));
  CHECK(!chooser->cpus(1));
}

TEST_CASE("a CPU the enclave has already is not chosen for it again", "[leviathan]") {
  SmallNode node;
  auto txn = *node.environment.write();
  auto held = txn.get<db::Cpu>({CpuId(1), 0});
  REQUIRE(held);
  (*held)->state = db::ResourceState::allocated;
  (*held)->owner = newcomer;
  REQUIRE(txn.put(**held));

  auto chooser = Chooser::create(txn, newcomer);
  REQUIRE(chooser);
  REQUIRE(chooser->cpus(1));
  CHECK(std::move(*chooser).take()->cpus.front().id == CpuId(2));
}

TEST_CASE("choosing leaves everything free", "[leviathan]") {
  SmallNode node;
  auto txn = *node.environment.write();
  const auto before = *txn.list<db::Cpu>();
  auto chooser = Chooser::create(txn, newcomer);
  REQUIRE(chooser);
  REQUIRE(chooser->cpus(2));
  REQUIRE(chooser->blocks(3));
  REQUIRE(std::move(*chooser).take());
  CHECK(*txn.list<db::Cpu>() == before);
  CHECK(txn.list_by_state<db::MemoryBlock>(db::ResourceState::free)->size() == 4);
}
