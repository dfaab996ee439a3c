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
  PhysAddr next_key = 0;  ///< of an ordinary waiter that is to become one for this lock (FUTEX_WAIT_REQUEUE_PI); else 0
};

struct FutexBucket {
  Mutex lock;
  List<FutexWaiter> waiters;
};

[[nodiscard]] FutexBucket& futex_bucket(PhysAddr key);
[[nodiscard]] FutexBucket& futex_bucket_at(uint32_t index);
/// Of an address of the running process; 0: not mapped.
[[nodiscard]] PhysAddr futex_key(Process& process, UserAddr address);

/// Both buckets' locks, lower address first.
class TwoGuards : Immovable {
 public:
  TwoGuards(FutexBucket& a, FutexBucket& b) : first_(&a < &b ? a : b), second_(&a < &b ? b : a) {
    first_.lock.lock();
    if (&first_ != &second_) second_.lock.lock();
  }
  ~TwoGuards() {
    if (&first_ != &second_) second_.lock.unlock();
    first_.lock.unlock();
  }

 private:
  FutexBucket& first_;
  FutexBucket& second_;
};

/// Under the bucket's lock of an address of the running process: 0 where it holds `expected`, else -EFAULT or -EAGAIN.
[[nodiscard]] int check_word(UserAddr address, uint32_t expected);
/// Puts a waiter whose thread and key are set in its queue, if the word at `address` holds `expected`, and sleeps until it
/// is woken or something else ends that.
[[nodiscard]] int wait_in_queue(FutexWaiter& waiter, UserAddr address, uint32_t expected, int64_t deadline_ns, Wake& wake);
/// Takes a waiter out of the queue it is in by now. False: it has been woken, and is out of it.
[[nodiscard]] bool leave_queue(FutexWaiter& waiter);

/// FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI, which moves at most `move_count` behind the one that it wakes.
[[nodiscard]] Sysret wait_requeue_pi(Thread& self, UserAddr address, uint32_t expected, int64_t deadline_ns, UserAddr lock);
[[nodiscard]] Sysret requeue_pi(Process& process, UserAddr from, int move_count, UserAddr lock, uint32_t expected);
/// FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI.
[[nodiscard]] Sysret lock_pi_futex(Thread& self, UserAddr address, int64_t deadline_ns, bool only_try);
[[nodiscard]] Sysret unlock_pi_futex(Thread& self, UserAddr address);

}  // namespace hobbes::lwk
