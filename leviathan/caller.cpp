// SPDX-License-Identifier: Apache-2.0
// Caller: see the header.
#include "leviathan/caller.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace hobbes::leviathan {
namespace {

constexpr uid_t root = 0;
constexpr std::size_t group_text_size = 16384;

Result<std::vector<gid_t>> peer_groups(int socket) {
  socklen_t size = 0;
  // With no room the kernel says how much it wants.
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size) == 0) return std::vector<gid_t>{};
  if (errno != ERANGE) return last_errno("groups of the peer");
  std::vector<gid_t> groups(size / sizeof(gid_t));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    return last_errno("groups of the peer");
  }
  groups.resize(size / sizeof(gid_t));
  return groups;
}

bool in_group(const Caller& caller, std::optional<gid_t> group) {
  return group && (caller.gid == *group || std::ranges::find(caller.groups, *group) != caller.groups.end());
}

}  // namespace

std::optional<gid_t> group_id(const char* name) {
  std::array<char, group_text_size> text;
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name, &entry, text.data(), text.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return found->gr_gid;
}

Result<Caller> identify(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return last_errno("credentials of the peer");
  }
  Caller caller;
  caller.pid = credentials.pid;
  caller.uid = credentials.uid;
  caller.gid = credentials.gid;
  caller.groups = TRY(peer_groups(socket));
  // Looked up once: a group costs hundreds of system calls. One that is made later counts from the next start on.
  static const Policy policy = Policy::here();
  policy.judge(caller);
  return caller;
}

Policy Policy::here() { return {::geteuid(), group_id(readers_group), group_id(admins_group)}; }

void Policy::judge(Caller& caller) const {
  caller.may_change = caller.uid == root || caller.uid == owner || in_group(caller, admins);
  caller.may_read = caller.may_change || in_group(caller, readers);
}

}  // namespace hobbes::leviathan
