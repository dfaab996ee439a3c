// SPDX-License-Identifier: Apache-2.0
// Idle time: what the kernel does with a CPU that no program wants. It zeroes free memory, so that programs do not wait
// for that when they ask for some.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

struct Thread;

/// A program's thread has come into being or goes on; it sleeps or ends. Any thread; the kernel's own do not count.
void count_busy_thread(const Thread& thread);
void count_idle_thread(const Thread& thread);

/// Whether a CPU is left for each of the busy threads, and for `more`.
[[nodiscard]] bool has_idle_time(int32_t more);

/// There may be something to do: memory was freed by somebody who does not sleep now.
void offer_idle_time();

/// The kernel thread that does it: only while fewer threads are busy than there are CPUs, a little at a time.
[[noreturn]] void run_idle_task(Thread& self);

}  // namespace hobbes::lwk
