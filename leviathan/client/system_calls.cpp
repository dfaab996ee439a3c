// SPDX-License-Identifier: Apache-2.0
// The request for what system calls were made.
#include "leviathan/client/link.hpp"
#include "leviathan/client/system_call_names.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::client {
namespace {

SystemCallRow row_of(const protocol::SystemCall& call) {
  SystemCallRow row;
  row.number = call.number;
  row.name = system_call_name(call.number);
  row.implemented = call.implemented;
  row.calls = call.calls;
  row.errors = call.errors;
  row.host = call.host;
  if (call.samples > 0) row.mean_time = call.time / static_cast<std::int64_t>(call.samples);
  return row;
}

Result<SystemCallCounts> count(Link& link, const protocol::CountCalls& request) {
  const auto answer = TRY(link.call(protocol::request::count_calls, request, short_patience));
  const auto counted = TRY(protocol::decode<protocol::SystemCalls>(answer));
  SystemCallCounts counts;
  for (const protocol::SystemCall& call : counted.calls) counts.rows.push_back(row_of(call));
  counts.trapped = counted.trapped;
  counts.sites_rewritten = counted.sites_rewritten;
  counts.sites_trapped = counted.sites_trapped;
  counts.host_calls = counted.host_calls;
  counts.linux_calls = counted.linux_calls;
  counts.processes = counted.usage.processes;
  counts.minor_faults = counted.usage.minor_faults;
  counts.major_faults = counted.usage.major_faults;
  counts.voluntary_switches = counted.usage.voluntary_switches;
  counts.involuntary_switches = counted.usage.involuntary_switches;
  return counts;
}

}  // namespace

Result<SystemCallCounts> Client::system_calls(AppId app) { return count(*impl_, {.enclave = {}, .app = app}); }

Result<SystemCallCounts> Client::system_calls(std::string_view enclave) {
  return count(*impl_, {.enclave = std::string(enclave), .app = std::nullopt});
}

}  // namespace hobbes::client
