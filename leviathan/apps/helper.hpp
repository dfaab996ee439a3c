// SPDX-License-Identifier: Apache-2.0
// Helper processes: the programs that leviathan starts beside an application (its proxy, its keeper), and how the next
// leviathan finds those of an earlier one.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "base/units.hpp"

namespace hobbes::leviathan::apps {

inline constexpr std::string_view proxy_program = "hobbes-proxy";
inline constexpr std::string_view keeper_program = "hobbes-keeper";
/// Serves a job's ranks (leviathan/pmi). It ends with the last of them, whoever is leviathan then.
inline constexpr std::string_view pmi_program = "hobbes-pmi";

/// Runs a program with its memory from reserved blocks (hpmmap/).
inline constexpr std::string_view hpmmap_program = "hobbes-hpmmap";

/// Where directories of helper programs are named, separated by colons; searched before the places of an installation.
inline constexpr const char* helper_path_variable = "HOBBES_HELPER_PATH";

/// Looks in $HOBBES_HELPER_PATH, beside the running program, in ../libexec/hobbes from there, and where a build leaves
/// them. not_found: names those places.
[[nodiscard]] Result<std::filesystem::path> find_helper(std::string_view program);

/// The environment of a helper, all of it: a variable that says whose it is; in a build with sanitizers also their options.
/// Application 0: a proxy that waits for one; it marks itself anew.
[[nodiscard]] std::vector<std::string> helper_environment(const std::filesystem::path& run_dir, AppId app);

struct Helper {
  pid_t pid = 0;
  UniqueFd pidfd;
};
/// The helpers that run for the applications of `run_dir`, by application: processes that carry the mark and run one of
/// proxy_program or keeper_program. Looks at every process of the node: for the start of the daemon.
[[nodiscard]] std::multimap<AppId, Helper> find_helpers(const std::filesystem::path& run_dir);

[[nodiscard]] bool has_ended(const Helper& helper);
/// Ends a helper at once. Harmless if it has ended.
void end_helper(int pidfd);
/// Waits until it has ended, and reaps it if it is our child. Workers only.
void await_helper_end(int pidfd);

}  // namespace hobbes::leviathan::apps
