// SPDX-License-Identifier: Apache-2.0
// A resource's way through an operation:
//
//               begin                     commit
//   assign:   FREE      ->  RESERVED  ->  ALLOCATED        abort: FREE
//   release:  ALLOCATED ->  RESERVED  ->  FREE             abort: ALLOCATED
#include "db/operations.hpp"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace hobbes::db {
namespace {

void free_now(Cpu& cpu) { cpu.logical_id = no_logical_id; }
void free_now(MemoryBlock& block) { block.app.reset(); }
void free_now(PciDevice& device) { device.name.clear(); }

/// Charges what came in to the operation's application.
void charge(MemoryBlock& block, AppId app) {
  if (app.value != 0) block.app = app;
}
template <typename Record>
void charge(Record&, AppId) {}

template <typename Record>
Error not_available(const Record& record, std::string_view wanted) {
  std::string text = describe(record.key()) + " is not " + std::string(wanted) + ": it is " +
                     std::string(to_string(record.state));
  if (record.owner) text += ", of enclave " + std::to_string(record.owner->value);
  if (record.operation.value != 0) text += ", for operation " + std::to_string(record.operation.value);
  return {Code::busy, std::move(text)};
}

/// One arrow of the picture above: checks where the resource is and moves it.
struct Reserve {  // FREE -> RESERVED
  template <typename Record>
  Status operator()(Record& record, const Operation& operation) const {
    if (record.state != ResourceState::free) return not_available(record, "free");
    record.state = ResourceState::reserved;
    record.operation = operation.id;
    record.owner = operation.enclave;
    return {};
  }
};

struct Reclaim {  // ALLOCATED -> RESERVED
  template <typename Record>
  Status operator()(Record& record, const Operation& operation) const {
    if (record.state != ResourceState::allocated || record.owner != operation.enclave) {
      return not_available(record, "enclave " + std::to_string(operation.enclave.value) + "'s to give back");
    }
    record.state = ResourceState::reserved;
    record.operation = operation.id;
    return {};
  }
};

template <typename Record>
Status leave_reserved(Record& record, const Operation& operation) {
  if (record.state != ResourceState::reserved || record.operation != operation.id) {
    return not_available(record, "reserved for operation " + std::to_string(operation.id.value));
  }
  record.operation = {};
  return {};
}

struct Allocate {  // RESERVED -> ALLOCATED
  template <typename Record>
  Status operator()(Record& record, const Operation& operation) const {
    TRY(leave_reserved(record, operation));
    record.state = ResourceState::allocated;
    charge(record, operation.app);
    return {};
  }
};

struct Restore {  // RESERVED -> ALLOCATED, as it was before
  template <typename Record>
  Status operator()(Record& record, const Operation& operation) const {
    TRY(leave_reserved(record, operation));
    record.state = ResourceState::allocated;
    return {};
  }
};

struct Free {  // RESERVED -> FREE
  template <typename Record>
  Status operator()(Record& record, const Operation& operation) const {
    TRY(leave_reserved(record, operation));
    record.state = ResourceState::free;
    record.owner.reset();
    free_now(record);
    return {};
  }
};

template <typename Record, typename Move>
Status move_all(WriteTxn& txn, const std::vector<typename Record::Key>& keys, const Operation& operation, Move move) {
  for (const auto& key : keys) {
    auto record = TRY(txn.get<Record>(key));
    if (!record) return Error(Code::not_found, describe(key) + " does not exist");
    TRY(move(*record, operation));
    TRY(txn.put(*record));
  }
  return {};
}

template <typename Move>
Status move_all(WriteTxn& txn, const Resources& resources, const Operation& operation, Move move) {
  TRY(move_all<Cpu>(txn, resources.cpus, operation, move));
  TRY(move_all<MemoryBlock>(txn, resources.blocks, operation, move));
  return move_all<PciDevice>(txn, resources.devices, operation, move);
}

Result<Operation> journal_entry(const ReadTxn& txn, OperationId id) {
  auto operation = TRY(txn.get<Operation>(id));
  if (!operation) return Error(Code::not_found, "operation " + std::to_string(id.value) + " is not in the journal");
  return std::move(*operation);
}

template <typename Record>
Status add_allocated(const ReadTxn& txn, EnclaveId enclave, std::vector<typename Record::Key>& keys) {
  for (const Record& record : TRY(txn.list_by_owner<Record>(enclave))) {
    if (record.state == ResourceState::allocated) keys.push_back(record.key());
  }
  return {};
}

}  // namespace

Result<Operation> begin_operation(WriteTxn& txn, const OperationRequest& request) {
  if (!TRY(txn.view<Enclave>(request.enclave))) {
    return Error(Code::not_found, "enclave " + std::to_string(request.enclave.value) + " does not exist");
  }
  Operation operation;
  operation.id = TRY(txn.next_id<Operation>());
  operation.what = request.what;
  operation.enclave = request.enclave;
  operation.app = request.app;
  operation.arguments = request.arguments;
  operation.assign = request.assign;
  operation.release = request.release;
  operation.instance = TRY(txn.meta()).instance;
  operation.started = now();
  TRY(txn.put(operation));
  TRY(move_all(txn, operation.assign, operation, Reserve{}));
  TRY(move_all(txn, operation.release, operation, Reclaim{}));
  return operation;
}

Status advance_operation(WriteTxn& txn, OperationId id, std::uint32_t step) {
  Operation operation = TRY(journal_entry(txn, id));
  operation.step = step;
  return txn.put(operation);
}

Status advance_operation(WriteTxn& txn, OperationId id, std::uint32_t step, std::string arguments) {
  Operation operation = TRY(journal_entry(txn, id));
  operation.step = step;
  operation.arguments = std::move(arguments);
  return txn.put(operation);
}

Status commit_operation(WriteTxn& txn, OperationId id) {
  const Operation operation = TRY(journal_entry(txn, id));
  TRY(move_all(txn, operation.assign, operation, Allocate{}));
  TRY(move_all(txn, operation.release, operation, Free{}));
  TRY(txn.erase<Operation>(id));
  return {};
}

Status abort_operation(WriteTxn& txn, OperationId id) {
  const Operation operation = TRY(journal_entry(txn, id));
  TRY(move_all(txn, operation.assign, operation, Free{}));
  TRY(move_all(txn, operation.release, operation, Restore{}));
  TRY(txn.erase<Operation>(id));
  return {};
}

Result<std::vector<Operation>> pending_operations(const ReadTxn& txn) { return txn.list<Operation>(); }

Result<Resources> resources_of(const ReadTxn& txn, EnclaveId enclave) {
  Resources resources;
  TRY(add_allocated<Cpu>(txn, enclave, resources.cpus));
  TRY(add_allocated<MemoryBlock>(txn, enclave, resources.blocks));
  TRY(add_allocated<PciDevice>(txn, enclave, resources.devices));
  return resources;
}

}  // namespace hobbes::db
