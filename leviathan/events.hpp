// SPDX-License-Identifier: Apache-2.0
// Events as leviathan writes them: one line where something becomes true.
#pragma once

#include <string>
#include <string_view>

#include "db/events.hpp"

namespace hobbes::leviathan {

/// Appends an event about an enclave to the transaction that makes it true.
[[nodiscard]] inline Status note(db::WriteTxn& txn, EnclaveId enclave, db::EventKind what, std::string_view text) {
  db::Event event;
  event.what = what;
  event.object = db::ObjectKind::enclave;
  event.id = enclave.value;
  event.text = text;
  TRY(db::append_event(txn, std::move(event)));
  return {};
}

}  // namespace hobbes::leviathan
