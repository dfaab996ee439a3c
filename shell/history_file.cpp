// SPDX-License-Identifier: Apache-2.0
#include "shell/history_file.hpp"

#include <cstdlib>

namespace hobbes::shell {
namespace {

/// An absolute path from the environment; empty if it says none.
std::filesystem::path directory(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value == '/' ? value : "";
}

}  // namespace

std::filesystem::path history_file() {
  auto state = directory("XDG_STATE_HOME");
  if (const auto home = directory("HOME"); state.empty() && !home.empty()) state = home / ".local" / "state";
  if (state.empty()) return {};
  std::error_code failed;
  std::filesystem::create_directories(state / "hobbes", failed);
  return failed ? std::filesystem::path() : state / "hobbes" / "history";
}

}  // namespace hobbes::shell
