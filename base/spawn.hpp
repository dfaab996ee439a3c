// SPDX-License-Identifier: Apache-2.0
// spawn: starts another program, as another user if need be, at the price of a vfork, and says what went wrong.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "base/user.hpp"

namespace hobbes {

struct SpawnSpec {
  std::filesystem::path program;    ///< not searched in PATH
  std::vector<std::string> args;    ///< args[0] included
  std::vector<std::string> env;
  std::vector<int> fds;             ///< fds[i] becomes its descriptor i; borrowed. It gets no others
  std::optional<User> user{};       ///< absent: as we are
  std::optional<std::string> cwd{};  ///< entered as `user`; absent: ours
  std::optional<mode_t> umask{};
  bool new_session = false;
  std::optional<pid_t> group{};     ///< joins this process group; 0: leads one of its own
  bool no_new_privileges = false;   ///< no program it executes gets more than it has (PR_SET_NO_NEW_PRIVS)
  bool die_with_parent = false;     ///< SIGKILL when the calling thread ends
};

struct Child {
  pid_t pid = 0;
  UniqueFd pidfd;
};

/// Returns when the program runs: signals at their defaults, none blocked. The caller reaps it. Errors carry the errno
/// and name the program or the directory.
[[nodiscard]] Result<Child> spawn(const SpawnSpec& spec);

/// How a child ended; nothing while it lives. Errors: it is no child of ours (ECHILD).
struct ExitStatus {
  int exit_code = 0;
  int signal = 0;  ///< that ended it, or 0
};
[[nodiscard]] Result<std::optional<ExitStatus>> reap(int pidfd);

}  // namespace hobbes
