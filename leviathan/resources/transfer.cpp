// SPDX-License-Identifier: Apache-2.0
// Transfer. Resources that leave an enclave pass through one place, finish_removal(), where memory is zeroed before it is
// FREE. Resources that cannot be got back from an enclave stay ALLOCATED to it: they come back when it is destroyed.
#include "leviathan/resources/transfer.hpp"

#include <optional>
#include <string>

#include "base/log.hpp"
#include "leviathan/events.hpp"
#include "leviathan/fault_point.hpp"
#include "leviathan/resources/drivers.hpp"

namespace hobbes::leviathan::resources {
namespace {

void append(db::Resources& to, const db::Resources& from) {
  to.cpus.insert(to.cpus.end(), from.cpus.begin(), from.cpus.end());
  to.blocks.insert(to.blocks.end(), from.blocks.begin(), from.blocks.end());
  to.devices.insert(to.devices.end(), from.devices.begin(), from.devices.end());
}

using End = Status (*)(db::WriteTxn&, db::OperationId);

/// The second half.
Status end(Node& node, const db::Operation& operation, End how, db::EventKind what) {
  auto txn = TRY(node.db().write());
  TRY(how(txn, operation.id));
  TRY(note_drivers(txn, operation.assign.devices));
  TRY(note_drivers(txn, operation.release.devices));
  TRY(note(txn, operation.enclave, what, to_string(operation.what)));
  return std::move(txn).commit();
}

Status scrub(Node& node, const db::Resources& resources) {
  for (const db::PhysAddr block : resources.blocks) TRY(node.bridge().scrub(block.value));
  return {};
}

/// Undoes an assignment as far as the enclave lets go of it.
Status give_up_assignment(Node& node, LiveEnclave* live, const Plug& plug, const db::Operation& operation) {
  if (const Status out = plug.unplug(node, live, operation.assign); !out) {
    log::warning("enclave " + std::to_string(operation.enclave.value) + ": keeps what it was given: " + out.error().text());
    return end(node, operation, db::commit_operation, db::EventKind::assigned);
  }
  TRY(scrub(node, operation.assign));
  return end(node, operation, db::abort_operation, db::EventKind::failed);
}

Status finish_removal(Node& node, LiveEnclave* live, const Plug& plug, const db::Operation& operation) {
  Status out = plug.unplug(node, live, operation.release);
  fault::point(plug.remove_unplugged());
  if (out) out = scrub(node, operation.release);
  if (out) return end(node, operation, db::commit_operation, db::EventKind::removed);
  TRY(end(node, operation, db::abort_operation, db::EventKind::failed));
  return out;
}

Result<db::Operation> reserve(Node& node, const Target& target, const Plug& plug, const db::Resources& release) {
  db::OperationRequest request;
  request.what = plug.remove_kind();
  request.enclave = target.id;
  request.release = release;
  auto txn = TRY(node.db().write());
  auto operation = TRY(db::begin_operation(txn, request));
  TRY(std::move(txn).commit());
  return operation;
}

Status remove_one(Node& node, const Target& target, const Plug& plug, const db::Resources& resources) {
  const auto operation = TRY(reserve(node, target, plug, resources));
  fault::point(plug.remove_reserved());
  return finish_removal(node, target.live.get(), plug, operation);
}

/// Gives back what a removal that failed had taken already.
void restore(Node& node, const Target& target, const Plug& plug, const db::Resources& taken) {
  if (taken.empty()) return;
  const auto back = assign(node, target, plug, [&](Chooser& chooser) -> Status {
    std::vector<CpuId> cpus;
    for (const db::CpuKey& cpu : taken.cpus) cpus.push_back(cpu.id);
    if (!cpus.empty()) TRY(chooser.cpus(cpus));
    for (const db::PhysAddr block : taken.blocks) TRY(chooser.blocks_at(block, 1));
    return {};
  });
  if (!back) log::error(back.error());
}

Result<db::Operation> reserve(Node& node, const Target& target, const Plug& plug, const Choose& choose) {
  auto txn = TRY(node.db().write());
  auto chooser = TRY(Chooser::create(txn, target.id));
  TRY(choose(chooser));
  db::OperationRequest request;
  request.what = plug.assign_kind();
  request.enclave = target.id;
  request.assign = TRY(std::move(chooser).take()).keys();
  auto operation = TRY(db::begin_operation(txn, request));
  TRY(std::move(txn).commit());
  return operation;
}

}  // namespace

Result<db::Resources> assign(Node& node, const Target& target, const Plug& plug, const Choose& choose) {
  const auto operation = TRY(reserve(node, target, plug, choose));
  fault::point(plug.assign_reserved());
  if (Status plugged = plug.plug(node, target.live.get(), operation.assign); !plugged) {
    const Status undone = give_up_assignment(node, target.live.get(), plug, operation);
    if (!undone) log::error(undone.error());
    return std::move(plugged).error().in("enclave '" + target.name + "'");
  }
  fault::point(plug.assign_plugged());
  TRY(end(node, operation, db::commit_operation, db::EventKind::assigned));
  return operation.assign;
}

Result<db::Resources> remove(Node& node, const Target& target, const Plug& plug,
                             const std::vector<db::Resources>& candidates, std::size_t count) {
  db::Resources taken;
  std::size_t removed = 0;
  std::optional<Error> refusal;  // of the last candidate that was passed over
  for (auto candidate = candidates.begin(); candidate != candidates.end() && removed < count; ++candidate) {
    if (Status gone = remove_one(node, target, plug, *candidate); !gone) {
      refusal = std::move(gone).error();
      continue;
    }
    append(taken, *candidate);
    ++removed;
  }
  if (removed == count) return taken;
  restore(node, target, plug, taken);
  if (!refusal) return Error(Code::exhausted, "enclave '" + target.name + "': has not so much to give");
  return (*std::move(refusal)).in("enclave '" + target.name + "'");
}

Status settle(Node& node, const Plug& plug, const db::Operation& operation) {
  const auto live = node.live(operation.enclave);
  // A dead enclave's resources stay with it until it is destroyed, whichever way they were going.
  const bool dead = !live && operation.enclave != master_enclave;
  if (operation.what == plug.assign_kind()) {
    if (dead) return end(node, operation, db::commit_operation, db::EventKind::assigned);
    return give_up_assignment(node, live.get(), plug, operation);
  }
  if (dead) return end(node, operation, db::abort_operation, db::EventKind::failed);
  if (const Status finished = finish_removal(node, live.get(), plug, operation); !finished) {
    log::warning(finished.error().text());  // the enclave keeps it; the journal is settled all the same
  }
  return {};
}

}  // namespace hobbes::leviathan::resources
