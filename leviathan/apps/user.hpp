// SPDX-License-Identifier: Apache-2.0
// User: whom a program runs as.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "leviathan/caller.hpp"

namespace hobbes::leviathan::apps {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;

  static constexpr std::string_view name = "user";
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("uid", self.uid);
    visit("gid", self.gid);
    visit("groups", self.groups);
  }
};

/// Whom the caller's programs run as. Nothing: as this process does, because it has no power to choose.
[[nodiscard]] std::optional<User> user_of(const Caller& caller);

}  // namespace hobbes::leviathan::apps
