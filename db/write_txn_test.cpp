// SPDX-License-Identifier: Apache-2.0
#include "db/write_txn.hpp"

#include "db/codec.hpp"
#include "db/test_node.hpp"

using namespace hobbes;
using namespace hobbes::db;
using namespace hobbes::db::test;

TEST_CASE("what a transaction wrote is there after its commit, and only then", "[db]") {
  TestNode node;
  {
    WriteTxn dropped = must(node.env.write());
    add_enclave(dropped, "dropped");
  }
  CHECK_FALSE(must(must(node.env.read()).find_enclave("dropped")).has_value());

  const ReadTxn before = must(node.env.read());
  WriteTxn txn = must(node.env.write());
  const EnclaveId id = add_enclave(txn, "kept");
  CHECK(must(txn.find_enclave("kept")).has_value());  // sees its own change
  must(std::move(txn).commit());

  CHECK_FALSE(must(before.find_enclave("kept")).has_value());  // sees what was there when it began
  const auto kept = must(must(node.env.read()).find_enclave("kept"));
  REQUIRE(kept.has_value());
  CHECK(kept->id == id);
  CHECK(check(must(node.env.read())) == Problems{});
}

TEST_CASE("a name belongs to one record of its kind", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  const EnclaveId first = add_enclave(txn, "x");
  const EnclaveId second = add_enclave(txn, "y");

  const Status taken = txn.put(make_enclave(second, "x"));
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().code() == Code::exists);
  CHECK(taken.error().text() == "enclave name 'x' is taken");

  App app;
  app.id = must(txn.next_id<App>());
  app.name = "x";  // of another kind
  app.enclave = first;
  must(txn.put(app));

  must(txn.put(make_enclave(first, "z")));
  CHECK_FALSE(must(txn.find_enclave("x")).has_value());
  must(txn.put(make_enclave(second, "x")));  // free again
  CHECK(must(txn.find_enclave("x"))->id == second);
  CHECK(must(txn.find_enclave("z"))->id == first);
  must(std::move(txn).commit());
  CHECK(check(must(node.env.read())) == Problems{});
}

TEST_CASE("names that cannot be are refused", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  const EnclaveId id = must(txn.next_id<Enclave>());
  CHECK(txn.put(make_enclave(id, "")).error().text() == "enclave name '' is empty");
  CHECK(txn.put(make_enclave(id, std::string(201, 'n'))).error().code() == Code::invalid);
  CHECK(txn.put(make_enclave(id, std::string("a\0b", 3))).error().code() == Code::invalid);
  must(txn.put(make_enclave(id, std::string(200, 'n'))));
  CHECK(must(txn.find_enclave(std::string(200, 'n'))).has_value());
  CHECK_FALSE(must(txn.find_enclave(std::string(5000, 'n'))).has_value());
}

TEST_CASE("segments, queues and devices may have no name", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  for (int i = 0; i < 2; ++i) {
    Segment segment;
    segment.id = must(txn.next_id<Segment>());
    must(txn.put(segment));
  }
  CHECK_FALSE(must(txn.find_segment("")).has_value());
  CHECK(must(txn.list<Segment>()).front().id == SegmentId(32));  // below are the well-known ones
}

TEST_CASE("ids are never used again", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  const EnclaveId first = add_enclave(txn, "a");
  CHECK(must(txn.erase<Enclave>(first)));
  CHECK_FALSE(must(txn.erase<Enclave>(first)));
  const EnclaveId second = add_enclave(txn, "a");
  CHECK(second.value == first.value + 1);

  const Status unknown = txn.put(make_enclave(EnclaveId(99), "b"));
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().text() == "enclave id 99 was never given out");
}

TEST_CASE("resources are found by state and by owner as they change", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  const EnclaveId id = add_enclave(txn, "a");
  Cpu cpu = must(txn.list<Cpu>())[2];
  cpu.state = ResourceState::allocated;
  cpu.owner = id;
  must(txn.put(cpu));
  CHECK(must(txn.list_by_state<Cpu>(ResourceState::free)).size() == 3);
  CHECK(must(txn.list_by_state<Cpu>(ResourceState::allocated)) == std::vector{cpu});
  CHECK(must(txn.list_by_owner<Cpu>(id)) == std::vector{cpu});
  CHECK(must(txn.list_by_owner<MemoryBlock>(id)).empty());

  must(txn.put(make_cpu(2, 0, 2)));
  CHECK(must(txn.list_by_owner<Cpu>(id)).empty());
  CHECK(must(txn.list_by_state<Cpu>(ResourceState::free)).size() == 4);
}

TEST_CASE("lists are in the order of their keys", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  for (const std::uint64_t n : {300U, 5U, 256U, 77U}) must(txn.put(make_block(n)));
  std::string order;
  for (const MemoryBlock& memory : must(txn.list<MemoryBlock>())) {
    order += std::to_string(memory.base.value / block) + " ";
  }
  CHECK(order == "1 2 3 4 5 77 256 300 ");
  order.clear();
  for (const MemoryBlock& memory : must(txn.list_by_state<MemoryBlock>(ResourceState::free))) {
    order += std::to_string(memory.base.value / block) + " ";
  }
  CHECK(order == "1 2 3 4 5 77 256 300 ");
}

TEST_CASE("the node's totals follow its resources", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  must(txn.put(make_cpu(0, 0, 0, 1)));  // a second slot
  CHECK(must(txn.erase<MemoryBlock>(PhysAddr(block))));
  PciDevice device;
  device.address = {0, 0, 3, 0};
  must(txn.put(device));
  Meta meta = must(txn.meta());
  CHECK(meta.cpu_slots == 5);
  CHECK(meta.memory_blocks == 3);
  CHECK(meta.memory == Bytes(3 * block));
  CHECK(meta.pci_devices == 1);

  meta.node_name = "n1";
  meta.cpu_slots = 1000;  // not the caller's to say
  must(txn.put_meta(meta));
  CHECK(must(txn.meta()).node_name == "n1");
  CHECK(must(txn.meta()).cpu_slots == 5);
  CHECK(check(txn) == Problems{});
}

TEST_CASE("a renamed or erased record is not found by its old name, whatever was looked up before", "[db]") {
  TestNode node;
  WriteTxn setup = must(node.env.write());
  const EnclaveId id = add_enclave(setup, "old");
  must(std::move(setup).commit());
  CHECK(must(must(node.env.read()).find_enclave("old")).has_value());

  WriteTxn rename = must(node.env.write());
  must(rename.put(make_enclave(id, "new")));
  must(std::move(rename).commit());
  CHECK_FALSE(must(must(node.env.read()).find_enclave("old")).has_value());

  WriteTxn reuse = must(node.env.write());
  const EnclaveId other = add_enclave(reuse, "old");
  must(std::move(reuse).commit());
  CHECK(must(must(node.env.read()).find_enclave("old"))->id == other);
  const ReadTxn txn = must(node.env.read());
  CHECK(must(txn.find_view<Enclave>("new"))->name == "new");
}

TEST_CASE("PMI values of jobs do not mix", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  for (const std::uint64_t app : {1U, 2U}) {
    PmiValue value;
    value.app = AppId(app);
    value.space = "kvs";
    value.name = "card";
    value.value = "of job " + std::to_string(app);
    must(txn.put(value));
  }
  CHECK(must(txn.get<PmiValue>({AppId(2), "kvs", "card"}))->value == "of job 2");
  CHECK(must(txn.list_by_app<PmiValue>(AppId(1))).size() == 1);
}
