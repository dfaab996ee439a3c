// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdlib>

#include "leviathan/client/client.hpp"

namespace hobbes::client {

std::filesystem::path default_run_dir() {
  if (const char* chosen = std::getenv("HOBBES_RUN_DIR"); chosen != nullptr && *chosen != '\0') return chosen;
  if (::geteuid() == 0) return "/run/hobbes";
  if (const char* own = std::getenv("XDG_RUNTIME_DIR"); own != nullptr && *own != '\0') {
    return std::filesystem::path(own) / "hobbes";
  }
  return "/tmp/hobbes-" + std::to_string(::geteuid());
}

}  // namespace hobbes::client
