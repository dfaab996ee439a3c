// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/timers.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/cpu_time.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process_table.hpp"

namespace hobbes::lwk {
namespace {

constexpr int si_timer = -2;
constexpr int64_t shortest_look_ns = ns_per_second / 1000;  ///< how often CPU time is looked at, at most

List<Timer, ArmedNode> armed;  // under process_lock
uint32_t changes = 0;          // atomic; advanced after `armed` has changed

/// For a process whose CPU-time limit has passed: the second limit is the end.
int limit_signal(const Timer& timer) {
  const uint64_t hard = timer.process->limits.at[limit_cpu].hard;
  const auto used = static_cast<uint64_t>(timer_now(timer) / ns_per_second);
  return used >= hard ? SIGKILL : SIGXCPU;
}

bool send(Timer& timer) {
  SignalInfo info{};
  Process& process = *timer.process;
  info.signo = &timer == &process.timers.interval[cpu_limit] ? limit_signal(timer) : timer.signal;
  info.code = timer.is_posix ? si_timer : si_kernel;
  if (timer.is_posix) {
    info.sender.pid = timer.id;
    info.sender.value = timer.value;
  }
  if (timer.target == 0) return send_signal_locked(process, info);
  Thread* thread = find_thread(timer.target);
  return thread != nullptr && thread->process == &process && send_signal_locked(*thread, info);
}

/// Its deadline has passed: on to the next one, and the signal.
void fire(Timer& timer, int64_t now) {
  int64_t passed = 1;
  if (timer.interval_ns > 0) {
    passed += (now - timer.deadline_ns) / timer.interval_ns;
    timer.deadline_ns += passed * timer.interval_ns;
  } else {
    timer.deadline_ns = never;
    timer.ArmedNode::unlink();
  }
  if (timer.silent) return;
  const auto more = static_cast<int>(min<int64_t>(passed, INT32_MAX - timer.missed));
  if (timer.queued) {
    timer.missed += more;
    return;
  }
  timer.missed = more - 1;
  timer.queued = send(timer) && timer.is_posix;
}

/// When to look at it again, on the monotonic clock.
int64_t look_again(const Timer& timer, int64_t now, int64_t monotonic) {
  const int64_t left = timer.deadline_ns - now;
  if (!timer.counts_cpu) return monotonic + left;
  return monotonic + max(left / max<int64_t>(timer.process->thread_count, 1), shortest_look_ns);
}

/// Fires what is due. When to come back.
int64_t fire_due_timers() {
  Guard guard(process_lock());
  int64_t next = never;
  for (Timer& timer : armed) {
    const int64_t now = timer_now(timer);
    if (timer.deadline_ns <= now) fire(timer, now);
    if (timer.deadline_ns == never) continue;
    const int64_t look = look_again(timer, now, monotonic_ns());
    next = next == never ? look : min(next, look);
  }
  return next;
}

}  // namespace

int64_t timer_now(const Timer& timer) {
  return timer.counts_cpu ? process_cpu_time(*timer.process).total() : monotonic_ns();
}

int64_t timer_left(const Timer& timer) {
  if (timer.deadline_ns == never) return 0;
  return max<int64_t>(timer.deadline_ns - timer_now(timer), 1);  // due but not fired: it is still armed
}

void arm_timer(Timer& timer, int64_t deadline_ns, int64_t interval_ns) {
  timer.ArmedNode::unlink();
  timer.deadline_ns = deadline_ns;
  timer.interval_ns = interval_ns;
  timer.missed = 0;
  if (deadline_ns == never) return;
  armed.push_back(timer);
  // release: the list has changed; partner: the acquire in run_timers.
  __atomic_add_fetch(&changes, 1, __ATOMIC_RELEASE);
  port::wake(&changes, 1);
}

void timer_signal_taken(Process& process, SignalInfo& info) {
  if (info.code != si_timer) return;
  for (Timer& timer : process.timers.posix) {
    if (timer.id != info.sender.pid || !timer.queued) continue;
    timer.queued = false;
    timer.last_missed = timer.missed;
    timer.missed = 0;
    info.sender.uid = static_cast<uint32_t>(timer.last_missed);  // si_overrun lies there
  }
}

void forget_posix_timers(Process& process) {
  while (Timer* timer = process.timers.posix.pop_front()) {
    timer->ArmedNode::unlink();
    delete timer;
  }
}

void forget_all_timers(Process& process) {
  forget_posix_timers(process);
  for (Timer& timer : process.timers.interval) timer.ArmedNode::unlink();
}

void run_timers(Thread&) {
  while (true) {
    const uint32_t seen = __atomic_load_n(&changes, __ATOMIC_ACQUIRE);
    port::wait(&changes, seen, fire_due_timers());
  }
}

}  // namespace hobbes::lwk
