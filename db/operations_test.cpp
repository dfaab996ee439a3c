// SPDX-License-Identifier: Apache-2.0
#include "db/operations.hpp"

#include "db/events.hpp"
#include "db/test_node.hpp"

using namespace hobbes;
using namespace hobbes::db;
using namespace hobbes::db::test;

namespace {

/// "cpus FREE ALLOCATED/1 ...; blocks ...": states and owners in the order of the keys.
std::string show(const ReadTxn& txn) {
  std::string text = "cpus";
  const auto add = [&](const auto& record) {
    (text += ' ') += to_string(record.state);
    if (record.owner) text += "/" + std::to_string(record.owner->value);
  };
  for (const Cpu& cpu : must(txn.list<Cpu>())) add(cpu);
  text += "; blocks";
  for (const MemoryBlock& memory : must(txn.list<MemoryBlock>())) add(memory);
  return text;
}

OperationRequest assign(EnclaveId enclave) {
  OperationRequest request;
  request.what = OperationKind::create_enclave;
  request.enclave = enclave;
  request.arguments = "<pisces/>";
  request.assign.cpus = {{CpuId(1), 0}};
  request.assign.blocks = {PhysAddr(block), PhysAddr(2 * block)};
  return request;
}

const std::string all_free = "cpus FREE FREE FREE FREE; blocks FREE FREE FREE FREE";
const std::string reserved = "cpus FREE RSVD/1 FREE FREE; blocks RSVD/1 RSVD/1 FREE FREE";
const std::string allocated = "cpus FREE ALLOCATED/1 FREE FREE; blocks ALLOCATED/1 ALLOCATED/1 FREE FREE";

/// An enclave that has what assign() says.
EnclaveId add_owner(TestNode& node) {
  WriteTxn txn = must(node.env.write());
  const EnclaveId id = add_enclave(txn, "a");
  const Operation operation = must(begin_operation(txn, assign(id)));
  must(commit_operation(txn, operation.id));
  must(std::move(txn).commit());
  return id;
}

}  // namespace

TEST_CASE("an operation reserves, then allocates", "[db]") {
  TestNode node;
  WriteTxn first = must(node.env.write());
  const EnclaveId id = add_enclave(first, "a");
  const Operation begun = must(begin_operation(first, assign(id)));
  must(std::move(first).commit());
  CHECK(show(must(node.env.read())) == reserved);
  CHECK(must(pending_operations(must(node.env.read()))) == std::vector{begun});
  CHECK(check(must(node.env.read())) == Problems{});

  WriteTxn second = must(node.env.write());
  must(advance_operation(second, begun.id, 3, "pid=7"));
  CHECK(must(pending_operations(second)).front().step == 3);
  CHECK(must(pending_operations(second)).front().arguments == "pid=7");
  must(commit_operation(second, begun.id));
  must(std::move(second).commit());
  CHECK(show(must(node.env.read())) == allocated);
  CHECK(must(pending_operations(must(node.env.read()))).empty());
  CHECK(check(must(node.env.read())) == Problems{});
}

TEST_CASE("an aborted operation gives back what it reserved", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  const EnclaveId id = add_enclave(txn, "a");
  const Operation operation = must(begin_operation(txn, assign(id)));
  must(abort_operation(txn, operation.id));
  CHECK(must(txn.erase<Enclave>(id)));
  must(std::move(txn).commit());
  CHECK(show(must(node.env.read())) == all_free);
  CHECK(check(must(node.env.read())) == Problems{});
}

TEST_CASE("taking resources away reserves, then frees", "[db]") {
  TestNode node;
  const EnclaveId id = add_owner(node);
  const bool finish = GENERATE(true, false);
  WriteTxn txn = must(node.env.write());
  OperationRequest request;
  request.what = OperationKind::destroy_enclave;
  request.enclave = id;
  request.release = must(resources_of(txn, id));
  const Operation operation = must(begin_operation(txn, request));
  CHECK(show(txn) == reserved);
  CHECK(check(txn) == Problems{});
  must(finish ? commit_operation(txn, operation.id) : abort_operation(txn, operation.id));
  CHECK(show(txn) == (finish ? all_free : allocated));
  CHECK(check(txn) == Problems{});
}

TEST_CASE("a resource is never given twice", "[db]") {
  TestNode node;
  add_owner(node);
  WriteTxn txn = must(node.env.write());
  const EnclaveId other = add_enclave(txn, "b");
  const auto refused = begin_operation(txn, assign(other));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Code::busy);
  CHECK(refused.error().text() == "CPU 1 is not free: it is ALLOCATED, of enclave 1");
}

TEST_CASE("only the owner's resources are taken from it", "[db]") {
  TestNode node;
  add_owner(node);
  WriteTxn txn = must(node.env.write());
  OperationRequest request;
  request.what = OperationKind::remove_memory;
  request.enclave = add_enclave(txn, "b");
  request.release.blocks = {PhysAddr(block)};
  CHECK(begin_operation(txn, request).error().text() ==
        "memory block 0x8000000 is not enclave 2's to give back: it is ALLOCATED, of enclave 1");
}

TEST_CASE("what does not exist is not operated on", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  CHECK(begin_operation(txn, assign(EnclaveId(1))).error().text() == "enclave 1 does not exist");
  OperationRequest request = assign(add_enclave(txn, "a"));
  request.assign.cpus = {{CpuId(1), 7}};
  CHECK(begin_operation(txn, request).error().text() == "CPU 1 slot 7 does not exist");
  CHECK(commit_operation(txn, OperationId(77)).error().text() == "operation 77 is not in the journal");
  CHECK(abort_operation(txn, OperationId(77)).error().code() == Code::not_found);
}

TEST_CASE("memory that comes in for an application is charged to it until it is free", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  App app;
  app.id = must(txn.next_id<App>());
  app.name = "solver";
  app.enclave = add_enclave(txn, "a");
  must(txn.put(app));
  OperationRequest request = assign(app.enclave);
  request.app = app.id;
  must(commit_operation(txn, must(begin_operation(txn, request)).id));
  CHECK(must(txn.list_by_app<MemoryBlock>(app.id)).size() == 2);

  OperationRequest back;
  back.enclave = app.enclave;
  back.release = must(resources_of(txn, app.enclave));
  must(commit_operation(txn, must(begin_operation(txn, back)).id));
  CHECK(must(txn.list_by_app<MemoryBlock>(app.id)).empty());
  CHECK(show(txn) == all_free);
}
