// SPDX-License-Identifier: Apache-2.0
// Caller: who is at the other end of a connection, as the kernel says, and what he may do.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "base/result.hpp"

namespace hobbes::leviathan {

inline constexpr const char* readers_group = "hobbes";
inline constexpr const char* admins_group = "hobbes-admin";

/// nullopt: this machine has no such group.
[[nodiscard]] std::optional<gid_t> group_id(const char* name);

struct Caller {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< supplementary ones, as they were when he connected
  bool may_read = false;      ///< root, the daemon's own user, group `hobbes` or `hobbes-admin`
  bool may_change = false;    ///< root, the daemon's own user, group `hobbes-admin`
};

/// Asks the kernel about the peer of a connected Unix socket (SO_PEERCRED, SO_PEERGROUPS).
[[nodiscard]] Result<Caller> identify(int socket);

/// Whose word counts here. Tests make one up.
struct Policy {
  uid_t owner = 0;  ///< the daemon's own user
  std::optional<gid_t> readers, admins;

  /// Of this process and this machine's groups.
  [[nodiscard]] static Policy here();
  /// Sets the caller's permissions from his ids.
  void judge(Caller& caller) const;
};

}  // namespace hobbes::leviathan
