// SPDX-License-Identifier: Apache-2.0
// Pulse: see the header.
#include "leviathan/pulse.hpp"

#include "base/log.hpp"
#include "kernel-bridge/abi/queue.h"

namespace hobbes::leviathan {
namespace {

constexpr std::chrono::seconds period{1};
constexpr unsigned beats_per_ping = 10;
constexpr std::chrono::seconds ping_patience{5};

constexpr std::string_view hangs = "does not answer";

/// Changes the record's reason to say whether it hangs; true if that is news.
Result<bool> record(db::Environment& environment, EnclaveId enclave, bool answers) {
  auto txn = TRY(environment.write());
  auto entry = TRY(txn.get<db::Enclave>(enclave));
  const std::string_view reason = answers ? "" : hangs;
  if (!entry || entry->state != db::EnclaveState::running || entry->reason == reason) return false;
  entry->reason = reason;
  TRY(txn.put(*entry));
  TRY(std::move(txn).commit());
  return true;
}

/// Cheaper than a write transaction, and nearly always enough.
Result<bool> is_said_to_hang(const db::Environment& environment, EnclaveId enclave) {
  const auto txn = TRY(environment.read());
  const auto entry = TRY(txn.view<db::Enclave>(enclave));
  return entry && entry->reason == hangs;
}

Status note(db::Environment& environment, EnclaveId enclave, const std::string& name, bool answers) {
  if (answers != TRY(is_said_to_hang(environment, enclave))) return {};
  if (TRY(record(environment, enclave, answers))) {
    log::warning("enclave '" + name + "': " + (answers ? "answers again" : std::string(hangs)));
  }
  return {};
}

}  // namespace

void Pulse::start() {
  timer_.expires_after(period);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    beat();
    start();
  });
}

void Pulse::beat() {
  const bool pings = ++beats_ % beats_per_ping == 0;
  for (const auto& enclave : node_.all_live()) {
    enclave->machine->update_clock();
    if (pings) ask(enclave);
  }
}

void Pulse::ask(const std::shared_ptr<LiveEnclave>& enclave) {
  enclave->control.request(HOBBES_CMD_PING, {}, ping_patience,
                           [this, id = enclave->id, name = enclave->name](const Result<ControlQueue::Payload>& answer) {
                             // One that has ended answers nothing, and its end is recorded elsewhere.
                             if (!answer && answer.error().code() != Code::timeout) return;
                             const Status noted = note(node_.db(), id, name, answer.has_value());
                             if (!noted) log::error(noted.error());
                           });
}

}  // namespace hobbes::leviathan
