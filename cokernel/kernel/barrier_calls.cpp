// SPDX-License-Identifier: Apache-2.0
// membarrier(2).
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {
namespace {

enum Command : int {
  query = 0, global = 1, global_expedited = 2, register_global_expedited = 4, private_expedited = 8,
  register_private_expedited = 16,
};
constexpr int served =
    global | global_expedited | register_global_expedited | private_expedited | register_private_expedited;

}  // namespace

Sysret sys_membarrier(Thread& self, const Args& args) {
  if (args[1] != 0) return -EINVAL;  // flags are of commands that are not served
  switch (static_cast<int>(args[0])) {
    case query: return served;
    case register_global_expedited: return 0;
    case register_private_expedited:
      __atomic_store_n(&self.process->expects_barriers, true, __ATOMIC_RELAXED);  // a permission, no order
      return 0;
    case private_expedited:
      if (!__atomic_load_n(&self.process->expects_barriers, __ATOMIC_RELAXED)) return -EPERM;
      port::memory_barrier(false);
      return 0;
    case global: case global_expedited: port::memory_barrier(true); return 0;
    default: return -EINVAL;
  }
}

}  // namespace hobbes::lwk
