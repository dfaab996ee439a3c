// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/adoption_record.hpp"

#include <limits>

#include "base/parse.hpp"

namespace hobbes::bridge {
namespace {

Error bad(std::string_view text) {
  return Error(Code::corrupt, "adoption record '" + std::string(text) + "': not one of the hosted bridge");
}

/// Takes "<name>=<value>;" off the front; nothing when it is not there.
std::string_view take_field(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name) || !text.substr(name.size()).starts_with('=')) return {};
  const std::size_t end = text.find(';');
  if (end == text.npos) return {};
  const std::string_view value = text.substr(name.size() + 1, end - name.size() - 1);
  text.remove_prefix(end + 1);
  return value;
}

}  // namespace

std::string to_text(const AdoptionRecord& record) {
  return "pid=" + std::to_string(record.init.pid) + ";start=" + std::to_string(record.init.start) +
         ";socket=" + record.socket.string();
}

Result<AdoptionRecord> parse_adoption_record(std::string_view text) {
  std::string_view rest = text;
  const auto pid = parse_u64(take_field(rest, "pid"), "pid", 2, std::numeric_limits<pid_t>::max());
  const auto start = parse_u64(take_field(rest, "start"), "start");
  constexpr std::string_view socket = "socket=";  // last, so that a path may contain anything
  if (!pid || !start || !rest.starts_with(socket) || rest.size() == socket.size()) return bad(text);
  return AdoptionRecord{{static_cast<pid_t>(*pid), *start}, rest.substr(socket.size())};
}

}  // namespace hobbes::bridge
