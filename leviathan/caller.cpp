// SPDX-License-Identifier: Apache-2.0
// Caller: see the header.
#include "leviathan/caller.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/parse.hpp"

namespace hobbes::leviathan {
namespace {

constexpr uid_t root = 0;
constexpr const char* usual_readers = "hobbes";
constexpr const char* usual_admins = "hobbes-admin";
/// The last number means "no group" to the kernel.
constexpr std::uint64_t max_gid = std::numeric_limits<gid_t>::max() - 1;
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

bool in_group(const Caller& caller, const Group& group) {
  return group.id && (caller.gid == *group.id || std::ranges::find(caller.groups, *group.id) != caller.groups.end());
}

Error denied(const Caller& caller, std::string_view what, const Group& group) {
  return {Code::denied, std::string(what) + ": user " + std::to_string(caller.uid) + " may not: it needs root or group '" +
                            group.name + "'"};
}

}  // namespace

Group find_group(std::string name) {
  std::array<char, group_text_size> text;
  group entry{};
  group* found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, text.data(), text.size(), &found);  // a failure finds nothing
  if (found == nullptr) return {std::move(name)};
  return {std::move(name), found->gr_gid};
}

Result<Group> parse_group(std::string_view text) {
  if (is_decimal(text)) {
    const auto id = static_cast<gid_t>(TRY(parse_u64(text, "group", 0, max_gid)));
    return Group{std::string(text), id};
  }
  Group group = find_group(std::string(text));
  if (!group.id) return Error(Code::not_found, "group '" + group.name + "': this machine has none of that name");
  return group;
}

Result<Caller> identify(int socket, const Policy& policy) {
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
  policy.judge(caller);
  return caller;
}

Policy Policy::here(std::optional<Group> readers, std::optional<Group> admins) {
  return {::geteuid(), readers ? *std::move(readers) : find_group(usual_readers),
          admins ? *std::move(admins) : find_group(usual_admins)};
}

void Policy::judge(Caller& caller) const {
  caller.may_change = caller.uid == root || caller.uid == owner || in_group(caller, admins);
  caller.may_read = caller.may_change || in_group(caller, readers);
}

Status Policy::check_read(const Caller& caller, std::string_view what) const {
  return caller.may_read ? Status() : Status(denied(caller, what, readers));
}

Status Policy::check_change(const Caller& caller, std::string_view what) const {
  return caller.may_change ? Status() : Status(denied(caller, what, admins));
}

Status check_use(const Caller& caller, uid_t owner, std::string_view what) {
  if (caller.may_change || caller.uid == owner) return {};
  return Error(Code::denied, std::string(what) + ": belongs to user " + std::to_string(owner) + ", not to user " +
                                 std::to_string(caller.uid));
}

}  // namespace hobbes::leviathan
