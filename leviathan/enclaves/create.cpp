// SPDX-License-Identifier: Apache-2.0
// Making an enclave, as one transaction in two halves: reserve everything it is to have; boot; commit, or undo.
#include "leviathan/enclaves/create.hpp"

#include <algorithm>
#include <filesystem>

#include "base/log.hpp"
#include "leviathan/descriptor/pisces.hpp"
#include "leviathan/enclaves/belongings.hpp"
#include "leviathan/enclaves/chooser.hpp"
#include "leviathan/enclaves/owner.hpp"
#include "leviathan/events.hpp"
#include "leviathan/fault_point.hpp"

namespace hobbes::leviathan::enclaves {
namespace {

using descriptor::PiscesDescriptor;

/// Long enough for blocks that are still being prepared.
constexpr std::chrono::seconds boot_patience{60};

/// The first half: what was reserved, and for whom.
struct Reservation {
  db::Enclave enclave;
  Chooser::Chosen chosen;
  db::Operation operation;
};

Status check_bridge(const PiscesDescriptor& wanted, std::string_view have) {
  if (!wanted.bridge || to_string(*wanted.bridge) == have) return {};
  return Error(Code::unsupported, "bridge '" + std::string(to_string(*wanted.bridge)) +
                                      "': this leviathan boots enclaves with '" + std::string(have) + "' only");
}

Status choose_cpus(Chooser& chooser, const PiscesDescriptor& wanted) {
  const auto& boot = wanted.boot_env;
  TRY(boot.cpu ? chooser.cpus(std::vector{*boot.cpu}) : chooser.cpus(1, boot.numa));
  if (!wanted.cores.empty()) TRY(chooser.cpus(wanted.cores));
  for (const auto& more : wanted.core_counts) TRY(chooser.cpus(more.count, more.numa));
  return {};
}

/// `block_size` of a descriptor's <memory> says in which pieces it is to be contiguous.
Status choose_memory(Chooser& chooser, const descriptor::MemoryRequest& wanted, Bytes block_size) {
  const std::size_t blocks = db::blocks_for(wanted.size, block_size);
  if (wanted.base_addr) return chooser.blocks_at(db::PhysAddr(*wanted.base_addr), blocks);
  const std::size_t piece = wanted.block_size ? db::blocks_for(*wanted.block_size, block_size) : 1;
  if (piece <= 1) return chooser.blocks(blocks, wanted.numa);
  for (std::size_t chosen = 0; chosen < blocks; chosen += piece) TRY(chooser.blocks(piece, wanted.numa, true));
  return {};
}

Status choose_memory(Chooser& chooser, const PiscesDescriptor& wanted, Bytes block_size) {
  const auto& boot = wanted.boot_env;
  const std::size_t blocks = std::max<std::size_t>(1, db::blocks_for(boot.memory_size, block_size));
  TRY(boot.memory_base ? chooser.blocks_at(db::PhysAddr(*boot.memory_base), blocks)
                       : chooser.blocks(blocks, boot.numa, true));
  for (const auto& more : wanted.memory) TRY(choose_memory(chooser, more, block_size));
  return {};
}

db::Enclave new_record(EnclaveId id, std::string_view bridge, const CreateRequest& request,
                       const PiscesDescriptor& wanted, const Owner& owner) {
  db::Enclave record;
  record.id = id;
  record.name = !request.name.empty() ? request.name
                : !wanted.name.empty() ? wanted.name
                                       : "enclave-" + std::to_string(id.value);
  record.type = db::EnclaveType::pisces;
  record.parent = master_enclave;
  record.bridge = bridge;
  record.owner_uid = owner.uid;
  record.owner_gid = owner.gid;
  record.created = record.changed = db::now();
  record.descriptor = request.xml;
  return record;
}

Result<Reservation> reserve(Node& node, const CreateRequest& request, const PiscesDescriptor& wanted) {
  const Owner owner = TRY(parse_owner(wanted.owner, {request.uid, request.gid}));
  auto txn = TRY(node.db().write());
  Reservation reservation;
  reservation.enclave = new_record(TRY(txn.next_id<db::Enclave>()), node.bridge().name(), request, wanted, owner);
  const EnclaveId id = reservation.enclave.id;
  TRY(txn.put(reservation.enclave));
  auto chooser = TRY(Chooser::create(txn, id));
  TRY(choose_cpus(chooser, wanted));
  TRY(choose_memory(chooser, wanted, node.block_size()));
  reservation.chosen = TRY(std::move(chooser).take());
  db::OperationRequest operation;
  operation.what = db::OperationKind::create_enclave;
  operation.enclave = id;
  operation.assign = reservation.chosen.keys();
  reservation.operation = TRY(db::begin_operation(txn, operation));
  TRY(std::move(txn).commit());
  return reservation;
}

bridge::BootSpec boot_spec(const Node& node, const Reservation& reservation, const PiscesDescriptor& wanted) {
  const db::Enclave& enclave = reservation.enclave;
  bridge::BootSpec spec;
  spec.id = enclave.id;
  spec.name = enclave.name;
  spec.kernel = wanted.kernel;
  spec.cmd_line = wanted.cmd_line;
  spec.schedule_hz = wanted.schedule_hz;
  for (const db::Cpu& cpu : reservation.chosen.cpus) spec.cpus.push_back({cpu.id, cpu.apic_id, cpu.numa});
  for (const db::MemoryBlock& block : reservation.chosen.blocks) spec.blocks.push_back(block.base.value);
  spec.uid = enclave.owner_uid;
  spec.gid = enclave.owner_gid;
  spec.run_dir = node.enclave_dir(enclave.id);
  return spec;
}

/// The bridge's work between the halves.
Result<std::shared_ptr<LiveEnclave>> boot(Node& node, const Reservation& reservation, const PiscesDescriptor& wanted) {
  const auto spec = boot_spec(node, reservation, wanted);
  std::error_code failed;
  std::filesystem::create_directories(spec.run_dir, failed);
  if (failed) return errno_error(failed.value(), "enclave '" + spec.name + "': " + spec.run_dir.string());
  auto machine = TRY(node.bridge().boot(spec, std::chrono::steady_clock::now() + boot_patience));
  auto control = TRY(ControlQueue::open(node.loop(), *machine));
  return std::make_shared<LiveEnclave>(spec.id, spec.name, std::move(machine), std::move(control), wanted.host_io);
}

/// The second half.
Status commit(Node& node, Reservation reservation, const bridge::Machine& machine) {
  auto txn = TRY(node.db().write());
  db::Enclave& record = reservation.enclave;
  record.state = db::EnclaveState::running;
  record.bridge_state = machine.adoption_record();
  record.changed = db::now();
  TRY(txn.put(record));
  std::int32_t logical_id = 0;
  for (const db::Cpu& chosen : reservation.chosen.cpus) {
    auto cpu = TRY(txn.get<db::Cpu>(chosen.key()));
    cpu->logical_id = logical_id++;
    TRY(txn.put(*cpu));
  }
  TRY(put_control_queue(txn, record, machine.control_queue_size()));
  TRY(db::commit_operation(txn, reservation.operation.id));
  TRY(note(txn, record.id, db::EventKind::created, record.name));
  return std::move(txn).commit();
}

/// Undoes a creation that failed with `why`, which is what the caller is told, whatever becomes of the undoing.
Error give_up(Node& node, const Reservation& reservation, Error why) {
  if (const Status undone = undo_create(node, reservation.operation, why.text()); !undone) log::error(undone.error());
  return std::move(why).in("create_enclave '" + reservation.enclave.name + "'");
}

}  // namespace

Result<std::string> create_enclave(Node& node, const CreateRequest& request) {
  const auto wanted = TRY(descriptor::parse_pisces(request.xml, request.file));
  TRY(check_bridge(wanted, node.bridge().name()));
  const auto reservation = TRY(reserve(node, request, wanted));
  const auto lock = node.locks().lock(reservation.enclave.id);
  fault::point(fault::create_reserved);

  auto enclave = boot(node, reservation, wanted);
  if (!enclave) return give_up(node, reservation, std::move(enclave).error());
  fault::point(fault::create_booted);

  if (Status committed = commit(node, reservation, *(*enclave)->machine); !committed) {
    return give_up(node, reservation, std::move(committed).error());
  }
  node.enliven(*enclave, false);
  log::info("enclave '" + reservation.enclave.name + "': runs");
  return reservation.enclave.name;
}

Status undo_create(Node& node, const db::Operation& operation, std::string_view why) {
  const auto dir = node.enclave_dir(operation.enclave);
  TRY(node.bridge().clean_up(operation.enclave, dir));
  for (const db::PhysAddr block : operation.assign.blocks) TRY(node.bridge().scrub(block.value));
  auto txn = TRY(node.db().write());
  TRY(db::abort_operation(txn, operation.id));
  TRY(erase_enclave(txn, operation.enclave));
  TRY(note(txn, operation.enclave, db::EventKind::failed, why));
  TRY(std::move(txn).commit());
  std::error_code ignored;  // what is left in the run directory goes with it
  std::filesystem::remove_all(dir, ignored);
  return {};
}

}  // namespace hobbes::leviathan::enclaves
