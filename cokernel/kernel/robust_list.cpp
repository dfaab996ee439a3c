// SPDX-License-Identifier: Apache-2.0
// Robust futexes (Linux' Documentation/locking/robust-futex-ABI.rst): what a thread held when it died is marked so.
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/futex.hpp"
#include "cokernel/kernel/futex_queue.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr int robust_limit = 2048;

/// Linux's struct robust_list_head; the list is the program's and may be anything.
struct RobustHead {
  uint64_t next;
  int64_t offset;
  uint64_t pending;
};

/// A pointer of the list: bit 0 says that the futex has an owner whom its waiters know (futex_pi.cpp).
struct Entry {
  uint64_t value;
  [[nodiscard]] UserAddr address() const { return value & ~1ull; }
  [[nodiscard]] bool has_owner() const { return (value & 1) != 0; }
};

void hand_on(Thread& self, const RobustHead& head, Entry entry, bool pending) {
  const UserAddr word = entry.address() + static_cast<uint64_t>(head.offset);
  uint32_t value = 0;
  if (!is_user_range(word, sizeof(value)) || word % sizeof(value) != 0 || !port::load_user_word(word, value)) return;
  // It died between unlocking and waking: somebody waits for what is free.
  if (pending && !entry.has_owner() && value == 0) {
    wake_futex(word, 1);
    return;
  }
  while ((value & futex_owner_bits) == static_cast<uint32_t>(self.tid)) {
    const uint32_t seen = value;
    if (!port::compare_exchange_user_word(word, value, (value & futex_has_waiters) | futex_owner_died)) return;
    if (value != seen) continue;
    if (!entry.has_owner() && (seen & futex_has_waiters) != 0) wake_futex(word, 1);
    return;
  }
}

}  // namespace

void release_robust_futexes(Thread& self) {
  RobustHead head;
  if (self.robust_list != 0 && read_user(self.robust_list, head)) {
    const Entry pending{head.pending};
    Entry entry{head.next};
    for (int i = 0; i < robust_limit && entry.address() != self.robust_list; ++i) {
      Entry next{};
      const bool readable = read_user(entry.address(), next.value);  // before it is handed on: then it is another's
      if (entry.address() != pending.address()) hand_on(self, head, entry, false);
      if (!readable) break;
      entry = next;
    }
    if (pending.address() != 0) hand_on(self, head, pending, true);
  }
  self.robust_list = 0;
}

Sysret sys_set_robust_list(Thread& self, const Args& args) {
  if (args[1] != sizeof(RobustHead)) return -EINVAL;
  self.robust_list = args[0];
  return 0;
}

Sysret sys_get_robust_list(Thread& self, const Args& args) {
  UserAddr list = 0;
  {
    Guard guard(process_lock());
    const auto tid = static_cast<int>(args[0]);
    const Thread* thread = tid == 0 ? &self : find_thread(tid);
    if (thread == nullptr) return -ESRCH;
    if (thread->process->app != self.process->app) return -EPERM;
    list = thread->robust_list;
  }
  constexpr uint64_t size = sizeof(RobustHead);
  return write_user(args[2], size) && write_user(args[1], list) ? 0 : -EFAULT;
}

}  // namespace hobbes::lwk
