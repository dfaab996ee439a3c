// SPDX-License-Identifier: Apache-2.0
// Adoption: what a leviathan writes down about a running application (db::App::proxy_state) for the one that comes after
// it. Proxies and keepers are found by their mark (helper.hpp) and need no entry.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace hobbes::leviathan::apps {

/// The process whose foreground an application is: known again by its number and when it started.
struct Launcher {
  pid_t pid = 0;  ///< 0: nobody's, it is detached
  std::uint64_t start_time = 0;

  friend bool operator==(const Launcher&, const Launcher&) = default;
};

struct Adoption {
  std::uint64_t channel = 0;  ///< its host-I/O channel's physical address
  Launcher launcher;

  friend bool operator==(const Adoption&, const Adoption&) = default;
};

[[nodiscard]] std::string to_text(const Adoption& adoption);
/// corrupt: it is no such text.
[[nodiscard]] Result<Adoption> parse_adoption(std::string_view text);

/// `start_time` is 0 if the process has gone.
[[nodiscard]] Launcher launcher_of(pid_t pid);
/// A pidfd of the launcher. not_found: it has gone.
[[nodiscard]] Result<UniqueFd> open_launcher(const Launcher& launcher);

}  // namespace hobbes::leviathan::apps
