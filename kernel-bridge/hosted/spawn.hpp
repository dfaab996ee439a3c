// SPDX-License-Identifier: Apache-2.0
// Spawning an enclave's init process: a program in a session of its own, with nothing of ours but one descriptor.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace hobbes::bridge {

struct SpawnSpec {
  std::filesystem::path program;
  std::vector<std::string> args;  ///< args[0] is the program's name
  int fd = -1;                    ///< becomes spawned_fd; nothing else stays open
};

/// The number of SpawnSpec::fd in the new process; below are stdin, stdout and stderr, all /dev/null.
inline constexpr int spawned_fd = 3;

struct Spawned {
  pid_t pid = 0;
  UniqueFd pidfd;
};

/// Starts the program in a session of its own, with default signals, no environment and PR_SET_NO_NEW_PRIVS. Returns when it has been executed; the error names the step that failed, and then nothing is
/// left.
[[nodiscard]] Result<Spawned> spawn(const SpawnSpec& spec);

}  // namespace hobbes::bridge
