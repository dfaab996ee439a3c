// SPDX-License-Identifier: Apache-2.0
// Ending an enclave. Its resources are RESERVED from the moment it is journaled; from there the only way is forward, and
// every step may be repeated.
#include "leviathan/enclaves/destroy.hpp"

#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "kernel-bridge/abi/queue.h"
#include "leviathan/apps/helper.hpp"
#include "leviathan/apps/proxy_list.hpp"
#include "leviathan/apps/records.hpp"
#include "leviathan/enclaves/belongings.hpp"
#include "leviathan/events.hpp"
#include "leviathan/fault_point.hpp"
#include "leviathan/refusal.hpp"
#include "leviathan/resources/drivers.hpp"

namespace hobbes::leviathan::enclaves {
namespace {

constexpr std::chrono::seconds shutdown_patience{2};  // to answer the command, and again to go

Result<std::optional<db::Operation>> pending_destroy(const db::ReadTxn& txn, EnclaveId enclave) {
  for (db::Operation& operation : TRY(txn.list_by_owner<db::Operation>(enclave))) {
    if (operation.what == db::OperationKind::destroy_enclave) return std::optional(std::move(operation));
  }
  return std::optional<db::Operation>();
}

/// The first half. A destruction that failed earlier is taken up again.
Result<db::Operation> journal(Node& node, EnclaveId enclave) {
  auto txn = TRY(node.db().write());
  if (!TRY(txn.get<db::Enclave>(enclave))) {
    return Error(Code::not_found, "enclave " + std::to_string(enclave.value) + ": there is none (any more)");
  }
  if (auto earlier = TRY(pending_destroy(txn, enclave))) return *std::move(earlier);
  TRY(apps::erase_apps_of(txn, enclave));
  db::OperationRequest request;
  request.what = db::OperationKind::destroy_enclave;
  request.enclave = enclave;
  request.release = TRY(db::resources_of(txn, enclave));
  auto operation = TRY(db::begin_operation(txn, request));
  TRY(std::move(txn).commit());
  return operation;
}

/// Gives the kernel the chance to end in order. That it does not take it is no error: it is ended anyway.
void shut_down(LiveEnclave& enclave) {
  if (enclave.machine->life() != bridge::Life::running) return;
  const auto answer = enclave.control.call(HOBBES_CMD_SHUTDOWN, {}, shutdown_patience);
  if (!answer) {
    return log::warning("enclave '" + enclave.name + "': " + refusal_of("does not shut down", answer.error()).text());
  }
  pollfd death{enclave.machine->death_fd(), POLLIN, 0};
  ::poll(&death, 1, static_cast<int>(std::chrono::milliseconds(shutdown_patience).count()));
}

/// Also of one that crashed, or that an earlier leviathan was about to destroy.
Status end_proxies_left(Node& node, EnclaveId id) {
  const auto txn = TRY(node.db().read());
  apps::ListedProxies left;
  for (auto& [app, helper] : apps::find_helpers(node.run_dir())) {
    const auto record = TRY(txn.get<db::App>(app));
    if (!record || record->enclave != id) continue;
    left.push_back(std::make_shared<const apps::ListedProxy>(apps::ListedProxy{app, std::move(helper)}));
  }
  return apps::end_proxies(left);
}

/// Nobody has its memory afterwards but its own kernel.
Status let_go(Node& node, EnclaveId id) {
  const auto enclave = node.live(id);
  if (!enclave) return end_proxies_left(node, id);
  enclave->ending = true;
  shut_down(*enclave);  // before retire(), which ends the proxies that the applications' ends still need
  node.retire(id);
  // After retire(): on the loop, observers have heard of the end by the time this has run.
  node.run_on_loop_and_wait([&] { enclave->control.close(Error(Code::unavailable, "enclave: was destroyed")); });
  return enclave->proxies.end();
}

/// The second half.
Status commit(Node& node, const db::Operation& operation, const std::string& name) {
  auto txn = TRY(node.db().write());
  TRY(db::commit_operation(txn, operation.id));
  TRY(resources::note_drivers(txn, operation.release.devices));
  TRY(erase_enclave(txn, operation.enclave));
  TRY(note(txn, operation.enclave, db::EventKind::destroyed, name));
  return std::move(txn).commit();
}

Result<db::Enclave> record_of(Node& node, EnclaveId enclave) {
  const auto txn = TRY(node.db().read());
  auto record = TRY(txn.get<db::Enclave>(enclave));
  if (!record) return Error(Code::corrupt, "enclave " + std::to_string(enclave.value) + ": is in the journal only");
  return *std::move(record);
}

}  // namespace

Status finish_destroy(Node& node, const db::Operation& operation) {
  const auto record = TRY(record_of(node, operation.enclave));
  TRY(let_go(node, operation.enclave));
  TRY(node.bridge().destroy(operation.enclave, record.bridge_state));
  fault::point(fault::destroy_ended);
  for (const db::PhysAddr block : operation.release.blocks) TRY(node.bridge().scrub(block.value));
  TRY(commit(node, operation, record.name));
  std::error_code ignored;  // what is left in the run directory goes with it
  std::filesystem::remove_all(node.enclave_dir(operation.enclave), ignored);
  log::info("enclave '" + record.name + "': destroyed");
  return {};
}

Status destroy_enclave(Node& node, EnclaveId enclave) {
  const auto lock = node.locks().lock(enclave);
  const auto operation = TRY(journal(node, enclave));
  fault::point(fault::destroy_journaled);
  return finish_destroy(node, operation);
}

Status destroy_enclave(Node& node, std::string_view name) {
  const auto find = [&]() -> Result<EnclaveId> {
    const auto txn = TRY(node.db().read());
    const auto record = TRY(txn.find_enclave(name));
    if (!record) return Error(Code::not_found, "enclave '" + std::string(name) + "': there is none of that name");
    if (record->id == master_enclave) {
      return Error(Code::invalid, "enclave '" + std::string(name) + "': is the Linux side; it cannot be destroyed");
    }
    return record->id;
  };
  return destroy_enclave(node, TRY(find()));
}

Status destroy_all(Node& node) {
  const auto list = [&]() -> Result<std::vector<db::Enclave>> { return TRY(node.db().read()).list<db::Enclave>(); };
  Status first;
  for (const db::Enclave& enclave : TRY(list())) {
    if (enclave.id == master_enclave) continue;
    Status destroyed = destroy_enclave(node, enclave.id);
    if (!destroyed && first) first = std::move(destroyed);
  }
  return first;
}

}  // namespace hobbes::leviathan::enclaves
