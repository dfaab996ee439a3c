// SPDX-License-Identifier: Apache-2.0
#include "db/choose.hpp"

#include "db/test_node.hpp"

using namespace hobbes;
using namespace hobbes::db;
using namespace hobbes::db::test;

namespace {

/// A database whose CPUs and blocks are the test's own; never committed.
struct Bench {
  TestDir dir;
  Environment env = must(Environment::create(dir.path(), {.map_size = mib(64), .group = {}, .boot_id = "b"}));
  WriteTxn txn = must(env.write());

  Bench() { must(txn.put(make_enclave(master_enclave, "master"))); }

  void take(Cpu cpu) {
    cpu.state = ResourceState::allocated;
    cpu.owner = master_enclave;
    must(txn.put(cpu));
  }
  void take(MemoryBlock memory) {
    memory.state = ResourceState::allocated;
    memory.owner = master_enclave;
    must(txn.put(memory));
  }
  void blocks(std::initializer_list<std::uint64_t> numbers, std::int32_t numa = 0) {
    for (const std::uint64_t n : numbers) must(txn.put(make_block(n, numa)));
  }
};

std::string show(const Result<std::vector<Cpu>>& cpus) {
  if (!cpus) return cpus.error().text();
  std::string text;
  for (const Cpu& cpu : *cpus) {
    text += std::to_string(cpu.id.value);
    if (cpu.slot != 0) text += "." + std::to_string(cpu.slot);
    text += ' ';
  }
  return text;
}

std::string show(const Result<std::vector<MemoryBlock>>& blocks) {
  if (!blocks) return blocks.error().text();
  std::string text;
  for (const MemoryBlock& memory : *blocks) text += std::to_string(memory.base.value / block) + " ";
  return text;
}

}  // namespace

TEST_CASE("CPUs come from one NUMA node, and from the one that has just enough", "[db]") {
  Bench node;
  for (std::uint32_t i = 0; i < 4; ++i) must(node.txn.put(make_cpu(i, 0, i)));
  for (std::uint32_t i = 4; i < 6; ++i) must(node.txn.put(make_cpu(i, 1, i)));
  CHECK(show(choose_cpus(node.txn, 2)) == "4 5 ");
  CHECK(show(choose_cpus(node.txn, 3)) == "0 1 2 ");
  CHECK(show(choose_cpus(node.txn, 2, NumaId(0))) == "0 1 ");
  CHECK(show(choose_cpus(node.txn, 5)) == "0 1 2 3 4 ");  // no node has five
}

TEST_CASE("distinct cores come before hyperthreads", "[db]") {
  Bench node;
  for (std::uint32_t i = 0; i < 4; ++i) must(node.txn.put(make_cpu(i, 0, i / 2)));  // 0 and 1 share a core, 2 and 3
  CHECK(show(choose_cpus(node.txn, 2)) == "0 2 ");
  CHECK(show(choose_cpus(node.txn, 3)) == "0 2 1 ");
}

TEST_CASE("overcommitted CPUs are shared only when there is no other way", "[db]") {
  Bench node;
  for (std::uint32_t i = 0; i < 2; ++i) {
    for (std::uint32_t slot = 0; slot < 2; ++slot) must(node.txn.put(make_cpu(i, 0, i, slot)));
  }
  CHECK(show(choose_cpus(node.txn, 2)) == "0 1 ");
  CHECK(show(choose_cpus(node.txn, 3)) == "0 1 0.1 ");
  node.take(make_cpu(0, 0, 0));
  CHECK(show(choose_cpus(node.txn, 1)) == "1 ");  // CPU 0 is somebody's already
  CHECK(show(choose_cpus(node.txn, {CpuId(0)})) == "0.1 ");
  CHECK(show(choose_cpus(node.txn, 4)) == "4 CPUs asked for, 3 free");
}

TEST_CASE("a choice of CPUs that cannot be says why", "[db]") {
  Bench node;
  must(node.txn.put(make_cpu(0)));
  node.take(make_cpu(1));
  CHECK(show(choose_cpus(node.txn, 2)) == "2 CPUs asked for, 1 free");
  CHECK(show(choose_cpus(node.txn, 1, NumaId(3))) == "1 CPU asked for on NUMA node 3, 0 free");
  CHECK(show(choose_cpus(node.txn, 0)) == "0 CPUs asked for");
  CHECK(show(choose_cpus(node.txn, {CpuId(1)})) == "CPU 1 is not free");
  CHECK(show(choose_cpus(node.txn, {CpuId(9)})) == "CPU 9 does not exist");
  CHECK(show(choose_cpus(node.txn, {CpuId(0), CpuId(0)})) == "CPU 0 is not free");
  CHECK(choose_cpus(node.txn, 2).error().code() == Code::exhausted);
  CHECK(choose_cpus(node.txn, {CpuId(1)}).error().code() == Code::busy);
  CHECK(choose_cpus(node.txn, {CpuId(9)}).error().code() == Code::not_found);
}

TEST_CASE("contiguous blocks adjoin by address and fill the smallest hole", "[db]") {
  Bench node;
  node.blocks({1, 2, 3, 4, 5});
  node.blocks({10, 11});
  node.blocks({20});
  node.blocks({22});  // the next number of records, not the next address
  CHECK(show(choose_blocks(node.txn, 1, any_numa, true)) == "20 ");
  CHECK(show(choose_blocks(node.txn, 2, any_numa, true)) == "10 11 ");
  CHECK(show(choose_blocks(node.txn, 3, any_numa, true)) == "1 2 3 ");
  CHECK(show(choose_blocks(node.txn, 6, any_numa, true)) ==
        "6 contiguous memory blocks asked for, 9 free, at most 5 of them contiguous");
  node.take(make_block(3));
  CHECK(show(choose_blocks(node.txn, 3, any_numa, true)) ==
        "3 contiguous memory blocks asked for, 8 free, at most 2 of them contiguous");
}

TEST_CASE("contiguous blocks stay in a NUMA node where one has a hole for them", "[db]") {
  Bench node;
  node.blocks({1, 2}, 0);
  node.blocks({3, 4, 5}, 1);
  CHECK(show(choose_blocks(node.txn, 3, any_numa, true)) == "3 4 5 ");
  CHECK(show(choose_blocks(node.txn, 4, any_numa, true)) == "1 2 3 4 ");
  CHECK(choose_blocks(node.txn, 3, NumaId(0), true).error().code() == Code::exhausted);
}

TEST_CASE("scattered blocks come from one node and leave large holes whole", "[db]") {
  Bench node;
  node.blocks({1, 2, 3, 4, 5, 9, 12}, 0);
  node.blocks({20, 21, 22, 23}, 1);
  CHECK(show(choose_blocks(node.txn, 3)) == "20 21 22 ");  // the node with just enough
  CHECK(show(choose_blocks(node.txn, 3, NumaId(0))) == "1 9 12 ");
  CHECK(show(choose_blocks(node.txn, 11)) == "1 2 3 4 5 9 12 20 21 22 23 ");
  CHECK(show(choose_blocks(node.txn, 12)) == "12 memory blocks asked for, 11 free");
  CHECK(show(choose_blocks(node.txn, 5, NumaId(1))) == "5 memory blocks asked for on NUMA node 1, 4 free");
  CHECK(show(choose_blocks(node.txn, 0)) == "0 memory blocks asked for");
}

TEST_CASE("blocks at a given address are those or none", "[db]") {
  Bench node;
  node.blocks({1, 2, 4});
  node.take(make_block(4));
  CHECK(show(choose_blocks_at(node.txn, PhysAddr(block), 2)) == "1 2 ");
  CHECK(show(choose_blocks_at(node.txn, PhysAddr(block), 3)) == "memory block 0x18000000 does not exist");
  CHECK(show(choose_blocks_at(node.txn, PhysAddr(4 * block), 1)) == "memory block 0x20000000 is not free");
  CHECK(show(choose_blocks_at(node.txn, PhysAddr(block + 1), 1)) == "memory block 0x8000001 does not exist");
}

TEST_CASE("a size is rounded up to whole blocks", "[db]") {
  CHECK(blocks_for(mib(256), mib(128)) == 2);
  CHECK(blocks_for(mib(257), mib(128)) == 3);
  CHECK(blocks_for(Bytes(UINT64_MAX), mib(128)) == (UINT64_MAX >> 27) + 1);
  CHECK(blocks_for(mib(1), Bytes(0)) == 0);
}
