// SPDX-License-Identifier: Apache-2.0
// Spawning an enclave's init process: a program with exactly the descriptors, user and CPUs it was given.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "base/units.hpp"

namespace hobbes::bridge {

/// The number descriptor `index` of SpawnSpec::fds has in the new process; below are stdin, stdout and stderr.
constexpr int spawned_fd(std::size_t index) { return 3 + static_cast<int>(index); }

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct SpawnSpec {
  std::filesystem::path program;
  std::vector<std::string> args;  ///< args[0] is the program's name
  std::vector<int> fds;           ///< become spawned_fd(0), spawned_fd(1), ...; nothing else stays open
  int log = -1;                   ///< stderr; stdin and stdout are /dev/null
  int identity = -1;              ///< the new process copies its /proc/self/stat line here before it executes
  std::optional<User> user;       ///< without other groups; empty: ours
  std::vector<CpuId> cpus;        ///< where it may run
};

struct Spawned {
  pid_t pid = 0;
  UniqueFd pidfd;
};

/// Starts the program in a session of its own, with default signals, no environment, no core dumps and
/// PR_SET_NO_NEW_PRIVS. Returns when it has been executed; the error names the step that failed, and then nothing is
/// left.
[[nodiscard]] Result<Spawned> spawn(const SpawnSpec& spec);

}  // namespace hobbes::bridge
