// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/user.hpp"

#include <unistd.h>

namespace hobbes::leviathan::apps {

std::optional<User> user_of(const Caller& caller) {
  if (::geteuid() != 0) return std::nullopt;
  return User{caller.uid, caller.gid, caller.groups};
}

}  // namespace hobbes::leviathan::apps
