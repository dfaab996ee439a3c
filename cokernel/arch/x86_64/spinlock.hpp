// SPDX-License-Identifier: Apache-2.0
// SpinLock: for what interrupt handlers touch, and what scheduling itself is made of. Held for a few instructions, with
// interrupts off; nothing sleeps under it.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::x86 {

inline constexpr uint64_t interrupt_flag = 0x200;

inline uint64_t save_and_disable_interrupts() {
  uint64_t flags;
  asm volatile("pushfq\n\tpop %0\n\tcli" : "=r"(flags) : : "memory");
  return flags;
}
inline void restore_interrupts(uint64_t flags) {
  if ((flags & interrupt_flag) != 0) asm volatile("sti" : : : "memory");
}

/// No interrupts in a scope.
class InterruptsOff : Immovable {
 public:
  InterruptsOff() : flags_(save_and_disable_interrupts()) {}
  ~InterruptsOff() { restore_interrupts(flags_); }

 private:
  uint64_t flags_;
};

class SpinLock : Immovable {
 public:
  void lock() {
    // acquire: partner is the release in unlock().
    while (__atomic_exchange_n(&held_, 1, __ATOMIC_ACQUIRE) != 0)
      while (__atomic_load_n(&held_, __ATOMIC_RELAXED) != 0) asm volatile("pause");
  }
  void unlock() { __atomic_store_n(&held_, 0, __ATOMIC_RELEASE); }

 private:
  uint32_t held_ = 0;
};

/// The lock and no interrupts, for a scope.
class SpinGuard : Immovable {
 public:
  explicit SpinGuard(SpinLock& lock) : lock_(lock) { lock_.lock(); }
  ~SpinGuard() { lock_.unlock(); }

 private:
  InterruptsOff off_;
  SpinLock& lock_;
};

}  // namespace hobbes::lwk::x86
