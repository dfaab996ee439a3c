// SPDX-License-Identifier: Apache-2.0
// The end of an enclave that nobody asked for: see the header.
#include "leviathan/enclaves/crash.hpp"

#include <string>

#include "leviathan/apps/records.hpp"
#include "leviathan/events.hpp"

namespace hobbes::leviathan {

Status record_end(db::Environment& environment, EnclaveId enclave, bool stopped, std::string_view reason) {
  auto txn = TRY(environment.write());
  auto record = TRY(txn.get<db::Enclave>(enclave));
  if (!record) return Error(Code::not_found, "enclave " + std::to_string(enclave.value) + ": has no record");
  record->state = stopped ? db::EnclaveState::stopped : db::EnclaveState::crashed;
  record->reason = reason;
  record->changed = db::now();
  TRY(txn.put(*record));
  TRY(apps::end_apps_of(txn, enclave, "its enclave ended"));
  TRY(note(txn, enclave, db::EventKind::state, to_string(record->state)));
  return std::move(txn).commit();
}

}  // namespace hobbes::leviathan
