// SPDX-License-Identifier: Apache-2.0
// The hash table of futex waiters, which futex.cpp and futex_pi.cpp share. Keys are physical addresses, so that
// processes that share memory share futexes.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

inline constexpr uint32_t futex_owner_died = 0x40000000, futex_has_waiters = 0x80000000, futex_owner_bits = 0x3fffffff;
inline constexpr uint32_t any_futex_bits = ~0u;
inline constexpr uint32_t futex_bucket_count = 256;

struct FutexWaiter : ListNode {
  Thread* thread = nullptr;
  PhysAddr key = 0;
  uint32_t bits = any_futex_bits;
  bool woken = false;  ///< under the bucket's lock; read without it by its own thread
  // Of a waiter for a lock with an owner (futex_pi.cpp), under the bucket's lock.
  int owner = 0;       ///< the thread that has it; 0: an ordinary waiter
  bool granted = false;  ///< its owner died and left it to this one
};

struct FutexBucket {
  Mutex lock;
  List<FutexWaiter> waiters;
};

[[nodiscard]] FutexBucket& futex_bucket(PhysAddr key);
[[nodiscard]] FutexBucket& futex_bucket_at(uint32_t index);
/// Of an address of the running process; 0: not mapped.
[[nodiscard]] PhysAddr futex_key(Process& process, UserAddr address);

/// FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI.
[[nodiscard]] Sysret lock_pi_futex(Thread& self, UserAddr address, int64_t deadline_ns, bool only_try);
[[nodiscard]] Sysret unlock_pi_futex(Thread& self, UserAddr address);

}  // namespace hobbes::lwk
