// SPDX-License-Identifier: Apache-2.0
// Caller: who is at the other end of a connection, as the kernel says, and what he may do.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace hobbes::leviathan {

/// A group of users as this node knows it.
struct Group {
  std::string name;
  std::optional<gid_t> id{};  ///< absent: this machine has no such group, so nobody is in it
};
/// By name.
[[nodiscard]] Group find_group(std::string name);
/// What an option says: a name, or a number, which needs no entry in the machine's list. not_found: no group of that name.
[[nodiscard]] Result<Group> parse_group(std::string_view text);

struct Caller {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< supplementary ones, as they were when he connected
  bool may_read = false;      ///< root, the daemon's own user, the readers' group, the admins' group
  bool may_change = false;    ///< root, the daemon's own user, the admins' group
};

/// Whose word counts here.
struct Policy {
  uid_t owner = 0;  ///< the daemon's own user
  Group readers, admins;

  /// Of this process. Groups that are not given are `hobbes` and `hobbes-admin`; looked up once, so one that is made
  /// later counts from the next start on.
  [[nodiscard]] static Policy here(std::optional<Group> readers = {}, std::optional<Group> admins = {});
  /// Sets the caller's permissions from his ids.
  void judge(Caller& caller) const;
  /// denied: a sentence that begins with `what` and names the group that is wanted.
  [[nodiscard]] Status check_read(const Caller& caller, std::string_view what) const;
  [[nodiscard]] Status check_change(const Caller& caller, std::string_view what) const;
};

/// Asks the kernel about the peer of a connected Unix socket (SO_PEERCRED, SO_PEERGROUPS), and the policy what he may do.
[[nodiscard]] Result<Caller> identify(int socket, const Policy& policy);

/// Whether the caller may use what belongs to `owner`: it is his, or he may change the node. denied: a sentence that
/// begins with `what`.
[[nodiscard]] Status check_use(const Caller& caller, uid_t owner, std::string_view what);

}  // namespace hobbes::leviathan
