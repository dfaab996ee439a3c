// SPDX-License-Identifier: Apache-2.0
// Timer: a deadline of a process, and the signal it brings. All timers are kept by one kernel thread, under the process
// table's lock.
#pragma once

#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/signal.hpp"
#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

struct Process;
struct Thread;

struct ArmedNode : ListNode {};
struct TimerNode : ListNode {};

struct Timer : ArmedNode, TimerNode, Immovable {
  Process* process = nullptr;
  int id = 0;
  int clock = 1;            ///< Linux's number, as the timer was made
  bool counts_cpu = false;  ///< its deadline is a CPU time of the process; else a monotonic one
  bool silent = false;      ///< SIGEV_NONE
  bool is_posix = false;    ///< made by timer_create; else an interval timer, whose signal carries its number alone
  int signal = SIGALRM;
  int target = 0;           ///< the thread that gets it; 0: the process
  uint64_t value = 0;
  int64_t deadline_ns = never, interval_ns = 0;
  bool queued = false;      ///< its signal is pending
  int missed = 0, last_missed = 0;  ///< expirations since its signal was queued; the same of the signal taken last
};

enum IntervalTimer { interval_real, interval_virtual, interval_profile, cpu_limit, interval_timer_count };

/// Those of a process. Under the process table's lock.
struct ProcessTimers {
  Timer interval[interval_timer_count];
  List<Timer, TimerNode> posix;
  int next_id = 0;
};

/// Under process_lock: a deadline (`never`: none) on the timer's own scale, and what comes after it.
void arm_timer(Timer& timer, int64_t deadline_ns, int64_t interval_ns);
/// Under process_lock: what the scale of the timer shows now.
[[nodiscard]] int64_t timer_now(const Timer& timer);
/// Under process_lock: until it fires, 0: it is not armed.
[[nodiscard]] int64_t timer_left(const Timer& timer);
/// Under process_lock: the signal of a timer is handed to the program.
void timer_signal_taken(Process& process, SignalInfo& info);
/// Under process_lock: timers of timer_create go; on a process' end all are disarmed.
void forget_posix_timers(Process& process);
void forget_all_timers(Process& process);

/// The kernel thread that keeps them.
[[noreturn]] void run_timers(Thread& self);

}  // namespace hobbes::lwk
