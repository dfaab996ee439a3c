// SPDX-License-Identifier: Apache-2.0
// Recovery. The order matters: enclaves that are to go must be gone, and those that live be held, before the bridge makes
// good the memory nobody holds; only then can blocks be zeroed and destructions finish.
#include "leviathan/recovery.hpp"

#include <algorithm>
#include <string>

#include "base/log.hpp"
#include "db/operations.hpp"
#include "leviathan/enclaves/crash.hpp"
#include "leviathan/enclaves/create.hpp"
#include "leviathan/enclaves/destroy.hpp"
#include "leviathan/events.hpp"
#include "leviathan/resources/cpus.hpp"
#include "leviathan/resources/devices.hpp"
#include "leviathan/resources/memory.hpp"

namespace hobbes::leviathan {
namespace {

/// What the last leviathan left.
struct Remains {
  std::vector<db::Enclave> enclaves;
  std::vector<db::Operation> operations;
  std::vector<db::MemoryBlock> blocks;
};

Result<Remains> look(Node& node) {
  const auto txn = TRY(node.db().read());
  Remains remains;
  remains.enclaves = TRY(txn.list<db::Enclave>());
  remains.operations = TRY(db::pending_operations(txn));
  remains.blocks = TRY(txn.list<db::MemoryBlock>());
  return remains;
}

bool has(const Remains& remains, EnclaveId enclave, db::OperationKind what) {
  return std::ranges::any_of(remains.operations, [&](const db::Operation& operation) {
    return operation.enclave == enclave && operation.what == what;
  });
}

Result<std::shared_ptr<LiveEnclave>> hold(Node& node, const db::Enclave& enclave) {
  auto machine = TRY(node.bridge().adopt(enclave.id, enclave.bridge_state));
  auto control = TRY(ControlQueue::open(node.loop(), *machine));
  const auto descriptor = TRY(descriptor::parse_pisces(enclave.descriptor, enclave.name));
  return std::make_shared<LiveEnclave>(enclave.id, enclave.name, std::move(machine), std::move(control),
                                       descriptor.host_io);
}

Status record_adoption(Node& node, EnclaveId enclave) {
  auto txn = TRY(node.db().write());
  TRY(note(txn, enclave, db::EventKind::recovered, "adopted"));
  return std::move(txn).commit();
}

/// Takes hold of an enclave that ran, or records that it is gone.
Status adopt(Node& node, const db::Enclave& enclave) {
  auto held = hold(node, enclave);
  if (!held) {
    log::warning("enclave '" + enclave.name + "': is gone: " + held.error().text());
    return record_end(node.db(), enclave.id, false, "ended while leviathan was down: " + held.error().text());
  }
  TRY(record_adoption(node, enclave.id));
  node.enliven(*std::move(held), true);
  log::info("enclave '" + enclave.name + "': adopted");
  return {};
}

Result<std::vector<std::uint64_t>> held_blocks(Node& node) {
  std::vector<std::uint64_t> held;
  for (const auto& enclave : node.all_live()) {
    const auto files = enclave->machine->memory_files();
    if (!files) {
      log::warning("enclave '" + enclave->name + "': " + files.error().text());
      continue;
    }
    for (const bridge::MemoryFile& file : *files) held.push_back(file.base);
  }
  return held;
}

Status restore_memory(Node& node, const std::vector<db::MemoryBlock>& blocks) {
  std::vector<bridge::MemoryBlock> known;
  for (const db::MemoryBlock& block : blocks) known.push_back({block.base.value, block.size, block.numa, block.backing});
  const auto restored = TRY(node.bridge().restore_memory(known, TRY(held_blocks(node))));
  auto txn = TRY(node.db().write());
  for (const bridge::MemoryBlock& block : restored) {
    auto record = TRY(txn.get<db::MemoryBlock>(db::PhysAddr(block.base)));
    if (!record || block.backing.empty()) continue;
    record->backing = block.backing;
    TRY(txn.put(*record));
  }
  return std::move(txn).commit();
}

Status settle(Node& node, const db::Operation& operation) {
  const auto lock = node.locks().lock(operation.enclave);
  switch (operation.what) {
    case db::OperationKind::create_enclave:
      return enclaves::undo_create(node, operation, "leviathan ended while the enclave was being created");
    case db::OperationKind::destroy_enclave:
      return enclaves::finish_destroy(node, operation);
    case db::OperationKind::assign_memory:
    case db::OperationKind::remove_memory:
      return resources::settle(node, resources::memory_plug(), operation);
    case db::OperationKind::assign_cpus:
    case db::OperationKind::remove_cpus:
      return resources::settle(node, resources::cpu_plug(), operation);
    case db::OperationKind::assign_device:
    case db::OperationKind::remove_device:
      return resources::settle(node, resources::device_plug(), operation);
    case db::OperationKind::launch_app:
    case db::OperationKind::kill_app:
      return {};  // the applications' own business, once their enclaves are adopted
    case db::OperationKind::invalid:
      break;
  }
  return Error(Code::corrupt, "journal: operation " + std::to_string(operation.id.value) + ": nobody begins '" +
                                  std::string(to_string(operation.what)) + "'");
}

/// Ends at once what creations and destructions under way may have left running, so that no memory is held by it.
Status end_doomed(Node& node, const Remains& remains) {
  for (const db::Enclave& enclave : remains.enclaves) {
    if (has(remains, enclave.id, db::OperationKind::create_enclave)) {
      TRY(node.bridge().clean_up(enclave.id, node.enclave_dir(enclave.id)));
    } else if (has(remains, enclave.id, db::OperationKind::destroy_enclave)) {
      TRY(node.bridge().destroy(enclave.id, enclave.bridge_state));
    }
  }
  return {};
}

}  // namespace

Status recover(Node& node) {
  const Remains remains = TRY(look(node));
  TRY(end_doomed(node, remains));
  for (const db::Enclave& enclave : remains.enclaves) {
    const bool doomed = has(remains, enclave.id, db::OperationKind::destroy_enclave);
    if (enclave.id == master_enclave || enclave.state != db::EnclaveState::running || doomed) continue;
    TRY(adopt(node, enclave));
  }
  TRY(restore_memory(node, remains.blocks));
  for (const db::Operation& operation : remains.operations) TRY(settle(node, operation));
  return {};
}

}  // namespace hobbes::leviathan
