// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/system_calls.hpp"

#include <cstring>
#include <span>

#include "cmdqueue/message.hpp"
#include "kernel-bridge/abi/commands.h"
#include "leviathan/apps/enclave_app.hpp"
#include "leviathan/apps/linux_usage.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/refusal.hpp"

namespace hobbes::leviathan::apps {
namespace {

/// What a request is about.
struct Subject {
  std::string label;
  std::string enclave;
  AppId app;  ///< 0: all of the enclave
};

Result<Subject> subject_of(Node& node, const protocol::CountCalls& request) {
  if (!request.app) return Subject{"enclave '" + request.enclave + "'", request.enclave, AppId(0)};
  const auto txn = TRY(node.db().read());
  const auto record = TRY(txn.get<db::App>(*request.app));
  if (!record) return Error(Code::not_found, "application " + std::to_string(request.app->value) + ": there is none");
  const auto enclave = TRY(txn.get<db::Enclave>(record->enclave));
  if (!enclave) {
    return Error(Code::not_found, "application '" + record->name + "': its enclave has gone, and its counts with it");
  }
  return Subject{"application '" + record->name + "'", enclave->name, record->id};
}

/// Takes structs off an answer that may be of any size and content.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <typename T>
  [[nodiscard]] bool take(T& value) {
    if (bytes_.size() < sizeof value) return false;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
};

protocol::SystemCall message_of(const hobbes_system_call& row) {
  return {.number = row.number,
          .implemented = (row.flags & HOBBES_SYSTEM_CALL_UNIMPLEMENTED) == 0,
          .calls = row.calls,
          .errors = row.errors,
          .host = row.host,
          .samples = row.samples,
          .time = std::chrono::nanoseconds(row.time_ns)};
}

Result<protocol::SystemCalls> read_answer(std::span<const std::byte> answer, const LiveEnclave& enclave) {
  const Error cut_off(Code::corrupt, "enclave '" + enclave.name + "': answered with too few counts");
  Reader reader(answer);
  hobbes_system_calls head;
  if (!reader.take(head)) return cut_off;
  protocol::SystemCalls calls;
  hobbes_system_call row;
  for (std::uint32_t i = 0; i < head.rows; ++i) {
    if (!reader.take(row)) return cut_off;
    calls.calls.push_back(message_of(row));
  }
  std::vector<pid_t> processes;
  std::uint32_t pid = 0;
  for (std::uint32_t i = 0; i < head.processes; ++i) {
    if (!reader.take(pid)) return cut_off;
    processes.push_back(static_cast<pid_t>(pid));
  }
  calls.trapped = head.trapped;
  calls.sites_rewritten = head.sites_patched;
  calls.sites_trapped = head.sites_trapped;
  calls.host_calls = head.host_calls;
  calls.linux_calls = head.linux_calls;
  calls.usage = usage_of(processes, enclave.machine->death_fd());
  return calls;
}

}  // namespace

Result<Payload> count_calls(Node& node, const Call& call) {
  const auto request = TRY(protocol::decode<protocol::CountCalls>(call.payload()));
  const Subject subject = TRY(subject_of(node, request));
  const auto enclave = TRY(node.live(subject.enclave));
  const hobbes_app_ref wanted{subject.app.value};
  const auto answer =
      enclave->control.call(HOBBES_CMD_SYSTEM_CALLS, cmdqueue::payload_of_struct(wanted), command_patience);
  if (!answer) return refusal_of(subject.label, answer.error());
  return protocol::encode(TRY(read_answer(*answer, *enclave)));
}

}  // namespace hobbes::leviathan::apps
