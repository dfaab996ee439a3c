// SPDX-License-Identifier: Apache-2.0
// RunQueue: who waits for a CPU, for ports that schedule threads themselves. Round robin; the kernel's own threads,
// which are few and short, come first. And on which CPU a thread that can run is to wait.
#pragma once

#include "cokernel/kernel/list.hpp"

namespace hobbes::lwk {

/// Something that can be in a run queue: one at a time.
struct Runnable : ListNode {
  bool urgent = false;  ///< constant
};

/// Guarded by its owner's lock, but for length().
class RunQueue : Immovable {
 public:
  /// Behind those that wait already; an urgent one behind the urgent.
  void push(Runnable& item) {
    Runnable* behind = nullptr;
    if (item.urgent)
      for (Runnable& other : items_)
        if (!other.urgent) {
          behind = &other;
          break;
        }
    if (behind != nullptr) items_.insert_before(*behind, item);
    else items_.push_back(item);
    count(1);
  }
  /// The next one's turn; null: nobody waits.
  [[nodiscard]] Runnable* pop() {
    Runnable* item = items_.pop_front();
    if (item != nullptr) count(-1);
    return item;
  }
  void remove(Runnable& item) {
    item.unlink();
    count(-1);
  }
  /// Takes out the first for whom `wanted` holds; null: none.
  template <typename Wanted>
  [[nodiscard]] Runnable* take(Wanted wanted) {
    for (Runnable& item : items_) {
      if (!wanted(item)) continue;
      remove(item);
      return &item;
    }
    return nullptr;
  }
  /// Without the lock a hint.
  [[nodiscard]] uint32_t length() const { return __atomic_load_n(&length_, __ATOMIC_RELAXED); }
  [[nodiscard]] bool empty() const { return length() == 0; }

 private:
  void count(int change) { __atomic_store_n(&length_, length_ + static_cast<uint32_t>(change), __ATOMIC_RELAXED); }

  List<Runnable> items_;
  uint32_t length_ = 0;
};

/// Where a thread is to run that may run on `allowed` (a bit a CPU) and was on `last`: there if that CPU is free,
/// else on another free one, else where the fewest are. `load_of(cpu)` is how many run or wait there, -1 if it takes
/// none. -1: no CPU is allowed.
template <typename LoadOf>
[[nodiscard]] int choose_cpu(const uint64_t allowed[4], uint32_t last, LoadOf load_of) {
  const auto load = [&](uint32_t cpu) { return (allowed[cpu / 64] >> cpu % 64 & 1) != 0 ? load_of(cpu) : -1; };
  int best = -1, best_load = -1;
  const int last_load = load(last);
  if (last_load >= 0) {
    best = static_cast<int>(last);
    best_load = last_load;
  }
  for (uint32_t word = 0; word < 4 && best_load != 0; ++word) {
    for (uint64_t rest = allowed[word]; rest != 0 && best_load != 0; rest &= rest - 1) {
      const uint32_t cpu = word * 64 + static_cast<uint32_t>(__builtin_ctzll(rest));
      const int here = load(cpu);
      if (here < 0 || (best >= 0 && here >= best_load)) continue;
      best = static_cast<int>(cpu);
      best_load = here;
    }
  }
  return best;
}

}  // namespace hobbes::lwk
