// SPDX-License-Identifier: Apache-2.0
// Each test breaks a sound database by raw writes, below the layer that would have kept it whole, and expects the
// checker to say exactly that.
#include "db/check.hpp"

#include "db/events.hpp"
#include "db/index_set.hpp"
#include "db/operations.hpp"
#include "db/test_node.hpp"
#include "db/txn_state.hpp"

using namespace hobbes;
using namespace hobbes::db;
using namespace hobbes::db::test;

namespace {

/// A node with something in every table, and a transaction to break it in.
struct Sound : TestNode {
  WriteTxn txn = must(env.write());
  EnclaveId enclave = add_enclave(txn, "a");
  AppId app = must(txn.next_id<App>());
  SegmentId segment = must(txn.next_id<Segment>());
  OperationId operation;

  Sound() {
    App solver;
    solver.id = app;
    solver.name = "solver";
    solver.enclave = enclave;
    must(txn.put(solver));
    Segment shared;
    shared.id = segment;
    shared.name = "field";
    shared.enclave = enclave;
    shared.app = app;
    must(txn.put(shared));
    Attachment attachment;
    attachment.id = must(txn.next_id<Attachment>());
    attachment.segment = segment;
    attachment.enclave = master_enclave;
    must(txn.put(attachment));
    Queue queue;
    queue.id = must(txn.next_id<Queue>());
    queue.name = "a-cmdq";
    queue.enclave = enclave;
    must(txn.put(queue));
    Watcher watcher;
    watcher.id = must(txn.next_id<Watcher>());
    watcher.enclave = enclave;
    must(txn.put(watcher));
    PmiBarrier barrier;
    barrier.app = app;
    must(txn.put(barrier));
    must(append_event(txn, {}));
    must(append_event(txn, {}));
    must(append_event(txn, {}));

    OperationRequest request;
    request.what = OperationKind::create_enclave;
    request.enclave = enclave;
    request.assign.cpus = {{CpuId(0), 0}};
    request.assign.blocks = {PhysAddr(block)};
    must(commit_operation(txn, must(begin_operation(txn, request)).id));
    request.assign.cpus = {{CpuId(1), 0}};
    request.assign.blocks = {PhysAddr(2 * block)};
    operation = must(begin_operation(txn, request)).id;
  }

  /// Overwrites a record, and nothing that belongs to it.
  template <typename Record>
  void overwrite(const Record& record) {
    must(raw_put(state_of(txn), Record::table, KeyBytes(record.key()).view(), encode(record)));
  }
  template <typename Record>
  void remove(const typename Record::Key& key) {
    REQUIRE(must(raw_erase(state_of(txn), Record::table, KeyBytes(key).view())));
  }
  template <typename Record>
  Record get(const typename Record::Key& key) {
    return must(txn.get<Record>(key)).value();
  }

  [[nodiscard]] bool finds(std::string_view problem) const {
    std::string all;
    for (const std::string& text : check(txn)) {
      all += "\n  " + text;
      if (text.find(problem) != std::string::npos) return true;
    }
    UNSCOPED_INFO("not found: " << problem << "; the checker says:" << all);
    return false;
  }
};

}  // namespace

TEST_CASE("a sound database has no problems", "[db]") {
  const Sound node;
  CHECK(check(node.txn) == Problems{});
}

TEST_CASE("the checker finds what does not decode or is under a wrong key", "[db]") {
  Sound node;
  SECTION("noise") {
    must(raw_put(state_of(node.txn), Table::apps, KeyBytes(node.app).view(), "noise"));
    CHECK(node.finds("application record: field 'id' is cut short"));
  }
  SECTION("a wrong key") {
    must(raw_put(state_of(node.txn), Table::cpus, KeyBytes(CpuKey{CpuId(9), 0}).view(), encode(make_cpu(8))));
    CHECK(node.finds("CPU 8 is stored under key \\x00\\x00\\x00\\x09"));
  }
}

TEST_CASE("the checker compares records and indexes both ways", "[db]") {
  Sound node;
  const TxnState& raw = state_of(node.txn);
  SECTION("a name without its record") {
    must(raw_put(raw, Table::names, name_key(Table::enclaves, "ghost").view(), KeyBytes(node.enclave).view()));
    CHECK(node.finds("name \\x01ghost leads to no record of that name"));
  }
  SECTION("a name that leads elsewhere") {
    must(raw_put(raw, Table::names, name_key(Table::enclaves, "a").view(), KeyBytes(master_enclave).view()));
    CHECK(node.finds("name \\x01a leads to another record"));
  }
  SECTION("a record without its name") {
    REQUIRE(must(raw_erase(raw, Table::names, name_key(Table::segments, "field").view())));
    CHECK(node.finds("name \\x06field cannot be looked up"));
  }
  SECTION("a name twice") {
    Enclave twin = node.get<Enclave>(node.enclave);
    twin.name = "master";
    node.overwrite(twin);
    CHECK(node.finds("enclave 1 has a name that another one has: 'master'"));
  }
  SECTION("an index entry too many") {
    const KeyBytes key = index_key(Table::cpus, {Index::owner, 77}, KeyBytes(CpuKey{CpuId(3), 0}).view());
    must(raw_put(raw, Table::indexes, key.view(), {}));
    CHECK(node.finds("has no such record"));
  }
  SECTION("an index entry too few") {
    const KeyBytes key = index_key(Table::cpus, {Index::owner, 1}, KeyBytes(CpuKey{CpuId(0), 0}).view());
    REQUIRE(must(raw_erase(raw, Table::indexes, key.view())));
    CHECK(node.finds("is missing"));
  }
}

TEST_CASE("the checker holds resources to their one owner", "[db]") {
  Sound node;
  Cpu idle = node.get<Cpu>({CpuId(3), 0});
  Cpu used = node.get<Cpu>({CpuId(0), 0});
  Cpu pending = node.get<Cpu>({CpuId(1), 0});
  SECTION("free and owned") {
    idle.owner = node.enclave;
    node.overwrite(idle);
    CHECK(node.finds("CPU 3 is FREE and has an owner, enclave 1"));
  }
  SECTION("invalid and owned") {
    idle.state = ResourceState::invalid;
    idle.owner = node.enclave;
    node.overwrite(idle);
    CHECK(node.finds("CPU 3 is INVALID and has an owner"));
  }
  SECTION("allocated to nobody") {
    used.owner.reset();
    node.overwrite(used);
    CHECK(node.finds("CPU 0 is ALLOCATED and has no owner"));
  }
  SECTION("reserved for nothing") {
    idle.state = ResourceState::reserved;
    node.overwrite(idle);
    CHECK(node.finds("CPU 3 is RSVD for no enclave"));
    CHECK(node.finds("CPU 3 is RSVD for no operation"));
  }
  SECTION("allocated and in an operation") {
    used.operation = node.operation;
    node.overwrite(used);
    CHECK(node.finds("CPU 0 is ALLOCATED and in an operation"));
    CHECK(node.finds("CPU 0 is for operation 2, the journal has it for 0"));
  }
  SECTION("in the journal and free") {
    pending.state = ResourceState::free;
    pending.owner.reset();
    pending.operation = {};
    node.overwrite(pending);
    CHECK(node.finds("CPU 1 is for operation 0, the journal has it for 2"));
  }
  SECTION("the journal forgotten") {
    node.remove<Operation>(node.operation);
    CHECK(node.finds("CPU 1 is for operation 2, the journal has it for 0"));
    CHECK(node.finds("memory block 0x10000000 is for operation 2, the journal has it for 0"));
  }
  SECTION("the journal listing something twice, or what does not exist") {
    Operation entry = node.get<Operation>(node.operation);
    entry.release.cpus = {{CpuId(1), 0}, {CpuId(50), 0}};
    node.overwrite(entry);
    CHECK(node.finds("CPU 1 is listed twice in the journal"));
    CHECK(node.finds("CPU 50 does not exist, operation 2 lists it"));
  }
  SECTION("one logical id twice") {
    used.logical_id = pending.logical_id = 0;
    node.overwrite(used);
    node.overwrite(pending);
    CHECK(node.finds("CPU 1 has a logical id that another CPU of its enclave has: 0"));
  }
  SECTION("a logical id without an owner") {
    idle.logical_id = 4;
    node.overwrite(idle);
    CHECK(node.finds("CPU 3 has a logical id and no owner"));
  }
}

TEST_CASE("the checker adds up the node", "[db]") {
  Sound node;
  SECTION("a lost CPU") {
    node.remove<Cpu>({CpuId(3), 0});
    CHECK(node.finds("the node has 4 CPU slots, its records add up to 3"));
  }
  SECTION("a grown block") {
    MemoryBlock grown = node.get<MemoryBlock>(PhysAddr(3 * block));
    grown.size = Bytes(block + 1);
    node.overwrite(grown);
    CHECK(node.finds("the node has 536870912 bytes of memory, its records add up to 536870913"));
    CHECK(node.finds("memory block 0x20000000 overlaps memory block 0x18000000"));
  }
  SECTION("an empty block") {
    MemoryBlock empty = node.get<MemoryBlock>(PhysAddr(4 * block));
    empty.size = Bytes(0);
    node.overwrite(empty);
    CHECK(node.finds("memory block 0x20000000 is empty"));
  }
  SECTION("no description") {
    REQUIRE(must(raw_erase(state_of(node.txn), Table::meta, meta_key)));
    CHECK(node.finds("the database has no description of its node"));
  }
}

TEST_CASE("the checker knows ids that cannot be", "[db]") {
  Sound node;
  SECTION("beyond the counter") {
    node.overwrite(make_enclave(EnclaveId(12), "later"));
    CHECK(node.finds("enclave 12 is not below the counter, 2"));
  }
  SECTION("a broken counter") {
    must(raw_put(state_of(node.txn), Table::meta, counter_key(Table::apps).view(), "x"));
    CHECK(node.finds("counter of application ids"));
  }
}

TEST_CASE("the checker looks for all that is mentioned", "[db]") {
  Sound node;
  SECTION("an enclave") {
    node.remove<Enclave>(node.enclave);
    for (const char* from : {"CPU 0", "memory block 0x8000000", "application 1", "segment 32", "queue 1", "operation 2",
                             "watcher 1"}) {
      CHECK(node.finds(std::string(from) + " mentions enclave 1, which does not exist"));
    }
  }
  SECTION("the master") {
    node.remove<Enclave>(master_enclave);
    CHECK(node.finds("enclave 1 mentions enclave 0, which does not exist"));
    CHECK(node.finds("attachment 1 mentions enclave 0, which does not exist"));
  }
  SECTION("an application") {
    node.remove<App>(node.app);
    CHECK(node.finds("segment 32 mentions application 1, which does not exist"));
    CHECK(node.finds("PMI barrier 1 mentions application 1, which does not exist"));
  }
  SECTION("a segment") {
    node.remove<Segment>(node.segment);
    CHECK(node.finds("attachment 1 mentions segment 32, which does not exist"));
  }
}

TEST_CASE("the checker misses no event", "[db]") {
  Sound node;
  node.remove<Event>(Sequence(2));
  CHECK(node.finds("event 3 follows event 1"));
}
