// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/records.hpp"

#include <signal.h>

#include <algorithm>

#include "db/events.hpp"
#include "leviathan/pmi/records.hpp"

namespace hobbes::leviathan::apps {
namespace {

Status tell(db::WriteTxn& txn, db::EventKind what, AppId app, std::string_view text) {
  db::Event event;
  event.what = what;
  event.object = db::ObjectKind::app;
  event.id = app.value;
  event.text = text;
  TRY(db::append_event(txn, std::move(event)));
  return {};
}

bool ended(const db::App& app) { return app.ended.value != 0; }

/// A chosen name is free, or is made so by forgetting the ended application that has it.
Status claim_name(db::WriteTxn& txn, const std::string& name) {
  const auto holder = TRY(txn.find_app(name));
  if (!holder) return {};
  if (!ended(*holder)) return Error(Code::exists, "application name '" + name + "' is taken");
  TRY(txn.erase<db::App>(holder->id));
  return {};
}

/// The program's own name, with the first free number behind it where it is taken.
Result<std::string> automatic_name(db::WriteTxn& txn, const std::string& path) {
  const std::string base = path.substr(path.rfind('/') + 1);
  std::string name = base;
  for (std::uint64_t n = 1; TRY(txn.find_app(name)); ++n) name = base + "-" + std::to_string(n);
  return name;
}

Status erase_launch(db::WriteTxn& txn, const db::Operation& operation, std::string_view why) {
  TRY(db::abort_operation(txn, operation.id));
  TRY(pmi::erase_of(txn, operation.app));
  if (TRY(txn.erase<db::App>(operation.app))) TRY(tell(txn, db::EventKind::failed, operation.app, why));
  return {};
}

Status abort_launches(db::WriteTxn& txn, EnclaveId enclave, std::string_view why) {
  for (const db::Operation& operation : TRY(txn.list_by_owner<db::Operation>(enclave))) {
    if (operation.what == db::OperationKind::launch_app) TRY(erase_launch(txn, operation, why));
  }
  return {};
}

/// Ids are given in the order of launches, so the smallest ended one has been listed longest.
Result<std::vector<AppId>> forget_oldest(db::WriteTxn& txn) {
  std::vector<AppId> ids;
  for (const db::AppState state : {db::AppState::stopped, db::AppState::crashed}) {
    for (const db::App& app : TRY(txn.list_by_state<db::App>(state))) {
      if (ended(app)) ids.push_back(app.id);
    }
  }
  if (ids.size() <= ended_apps_kept) return std::vector<AppId>{};
  std::sort(ids.begin(), ids.end());
  ids.resize(ids.size() - ended_apps_kept);
  for (const AppId id : ids) TRY(txn.erase<db::App>(id));
  return ids;
}

}  // namespace

Result<Launch> begin_launch(db::WriteTxn& txn, const NewApp& app) {
  std::string name = app.name;
  if (name.empty()) {
    name = TRY(automatic_name(txn, app.path));
  } else {
    TRY(claim_name(txn, name));
  }
  db::App record;
  record.id = TRY(txn.next_id<db::App>());
  record.name = name;
  record.enclave = app.enclave;
  record.detached = app.detached;
  record.owner_uid = app.uid;
  record.owner_gid = app.gid;
  record.command = app.command;
  record.created = db::now();
  TRY(txn.put(record));
  db::OperationRequest request;
  request.what = db::OperationKind::launch_app;
  request.enclave = app.enclave;
  request.app = record.id;
  request.assign = app.memory;
  const db::Operation operation = TRY(db::begin_operation(txn, request));
  TRY(tell(txn, db::EventKind::created, record.id, name));
  return Launch{record.id, std::move(name), operation.id, app.memory};
}

Status commit_launch(db::WriteTxn& txn, const Launch& launch, std::int64_t pid, std::string proxy_state) {
  auto record = TRY(txn.get<db::App>(launch.app));
  const bool gone = !record || record->state != db::AppState::initialized ||
                    !TRY(txn.get<db::Operation>(launch.operation));
  if (gone) return Error(Code::unavailable, "application '" + launch.name + "': its enclave has ended");
  record->state = db::AppState::running;
  record->pid = pid;
  record->proxy_state = std::move(proxy_state);
  TRY(txn.put(*record));
  TRY(db::commit_operation(txn, launch.operation));
  return tell(txn, db::EventKind::state, launch.app, to_string(db::AppState::running));
}

Status abort_launch(db::WriteTxn& txn, const Launch& launch, std::string_view why) {
  const auto operation = TRY(txn.get<db::Operation>(launch.operation));
  if (!operation) return {};
  return erase_launch(txn, *operation, why);
}

Result<std::vector<AppId>> record_end(db::WriteTxn& txn, AppId app, const End& end) {
  auto record = TRY(txn.get<db::App>(app));
  if (!record || ended(*record)) return std::vector<AppId>{};
  const bool crashed = end.signal != 0 || !end.reason.empty();
  record->state = crashed ? db::AppState::crashed : db::AppState::stopped;
  record->exit_code = end.exit_code;
  record->signal = end.signal;
  record->reason = end.reason;
  record->proxy_state.clear();
  record->ended = db::now();
  TRY(txn.put(*record));
  TRY(pmi::erase_of(txn, app));
  TRY(tell(txn, db::EventKind::state, app, to_string(record->state)));
  return forget_oldest(txn);
}

Status end_apps_of(db::WriteTxn& txn, EnclaveId enclave, std::string_view why) {
  TRY(abort_launches(txn, enclave, why));
  for (const db::App& app : TRY(txn.list_by_owner<db::App>(enclave))) {
    TRY(record_end(txn, app.id, {.signal = SIGKILL, .reason = std::string(why)}));
  }
  return {};
}

Status erase_apps_of(db::WriteTxn& txn, EnclaveId enclave) {
  TRY(abort_launches(txn, enclave, "its enclave was destroyed"));
  for (const db::App& app : TRY(txn.list_by_owner<db::App>(enclave))) {
    TRY(pmi::erase_of(txn, app.id));
    TRY(txn.erase<db::App>(app.id));
    TRY(tell(txn, db::EventKind::destroyed, app.id, app.name));
  }
  return {};
}

Result<std::optional<db::Operation>> begin_release(db::WriteTxn& txn, AppId app) {
  db::OperationRequest request;
  request.what = db::OperationKind::remove_memory;
  for (const db::MemoryBlock& block : TRY(txn.list_by_app<db::MemoryBlock>(app))) {
    if (block.state == db::ResourceState::allocated) request.release.blocks.push_back(block.base);
    request.enclave = block.owner.value_or(master_enclave);
  }
  if (request.release.blocks.empty()) return std::optional<db::Operation>();
  return std::optional(TRY(db::begin_operation(txn, request)));
}

std::optional<End> end_of(const db::App& app) {
  if (!ended(app)) return std::nullopt;
  return End{app.exit_code, app.signal, app.reason};
}

}  // namespace hobbes::leviathan::apps
