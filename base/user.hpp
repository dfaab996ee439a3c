// SPDX-License-Identifier: Apache-2.0
// User: whom a process runs as.
#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

namespace hobbes {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< beside `gid`

  friend bool operator==(const User&, const User&) = default;

  static constexpr std::string_view name = "user";
  /// For codecs: visit(name, field) for each.
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("uid", self.uid);
    visit("gid", self.gid);
    visit("groups", self.groups);
  }
};

}  // namespace hobbes
