// SPDX-License-Identifier: Apache-2.0
// Credentials: whose a process is. Linux's rules for changing them (credentials(7), capabilities(7)); the host's files
// are reached with the launcher's all the same.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

inline constexpr uint32_t supplementary_limit = 64;
inline constexpr uint64_t all_capabilities = (1ull << 41) - 1;

enum Capability : uint64_t {
  cap_kill = 1ull << 5, cap_setgid = 1ull << 6, cap_setuid = 1ull << 7, cap_setpcap = 1ull << 8,
  cap_ipc_lock = 1ull << 14, cap_sys_nice = 1ull << 23, cap_sys_resource = 1ull << 24,
};

/// The four user or group ids of a process.
struct IdSet {
  uint32_t real = 0, effective = 0, saved = 0, file = 0;

  [[nodiscard]] bool names(uint32_t id) const { return id == real || id == effective || id == saved; }
  void set_all(uint32_t id) { real = effective = saved = file = id; }
};

struct Credentials {
  IdSet user, group;
  uint32_t supplementary[supplementary_limit] = {};
  uint32_t supplementary_count = 0;
  uint64_t permitted = 0, effective = 0, inheritable = 0;

  [[nodiscard]] bool may(uint64_t capability) const { return (effective & capability) != 0; }
  /// Those of a program that user and group start.
  void start(uint32_t uid, uint32_t gid) {
    user.set_all(uid);
    group.set_all(gid);
    permitted = effective = uid == 0 ? all_capabilities : 0;
  }
};

}  // namespace hobbes::lwk
