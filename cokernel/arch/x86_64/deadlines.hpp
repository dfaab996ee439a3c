// SPDX-License-Identifier: Apache-2.0
// Deadlines of sleeping threads: each CPU keeps those of threads that went to sleep on it.
#pragma once

#include "cokernel/arch/x86_64/scheduler.hpp"

namespace hobbes::lwk::x86 {

struct SleeperWord : ListNode {};
struct SleeperHost : ListNode {};

/// A sleeping thread, on its own kernel stack.
struct Sleeper : SleeperWord, SleeperHost, SleeperDeadline, Immovable {
  explicit Sleeper(ThreadState& the_state) : state(the_state) {}

  ThreadState& state;
  uint32_t* word = nullptr;  ///< constant while it is in a bucket
  int64_t deadline_ns = never;
  Cpu* deadline_cpu = nullptr;  ///< atomic; moves under the locks of both CPUs
};

/// Interrupts are off. The timer is set by whoever runs next.
void add_deadline(Sleeper& sleeper);
void remove_deadline(Sleeper& sleeper);
/// Claims the wake-ups that are due on the running CPU.
void claim_due(Cpu& cpu, List<Runnable>& woken);
/// In ticks of the time-stamp counter; 0: none.
[[nodiscard]] uint64_t first_deadline(Cpu& cpu);
/// A CPU that stops leaves its deadlines to the boot CPU.
void move_deadlines(Cpu& from);

}  // namespace hobbes::lwk::x86
