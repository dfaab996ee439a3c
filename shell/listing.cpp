// SPDX-License-Identifier: Apache-2.0
#include "shell/listing.hpp"

#include <array>
#include <utility>

namespace hobbes::shell {

std::string cell_text(const Json& value, const char* none) {
  if (value.is_null()) return none;
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  return text.empty() ? none : text;
}

std::string size_text(Bytes size) {
  static constexpr std::array<std::pair<Bytes, const char*>, 3> units = {
      {{gib(1), " GiB"}, {mib(1), " MiB"}, {kib(1), " KiB"}}};
  if (size == Bytes(0)) return "0";
  for (const auto& [unit, name] : units)
    if (size.value % unit.value == 0) return std::to_string(size.value / unit.value) + name;
  return std::to_string(size.value) + " B";
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

void note_age(Shell& shell, bool live) {
  if (!live) shell.complain("leviathan is not running: this is the last known state");
}

void print_json(std::ostream& out, const Json& json) {
  constexpr int indent = 2;
  out << json.dump(indent, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace hobbes::shell
