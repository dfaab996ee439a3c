// SPDX-License-Identifier: Apache-2.0
// alarm, interval timers, and the timers of timer_create.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

struct TimeVal {
  int64_t seconds, microseconds;
};
constexpr int64_t ns_per_microsecond = 1000;

bool is_valid(const TimeVal& time) {
  return time.seconds >= 0 && time.microseconds >= 0 && time.microseconds < ns_per_second / ns_per_microsecond;
}
int64_t to_ns(const TimeVal& time) {
  return lwk::to_ns(TimeSpec{time.seconds, time.microseconds * ns_per_microsecond});
}
TimeVal to_microseconds(int64_t ns) {
  const int64_t up = ns + ns_per_microsecond - 1;  // what is armed never reads as zero
  return {up / ns_per_second, up % ns_per_second / ns_per_microsecond};
}

struct IntervalSetting {  // struct itimerval
  TimeVal interval, value;
};
struct TimerSetting {  // struct itimerspec
  TimeSpec interval, value;
};

/// Under process_lock: one of the process' three, made ready on its first use.
Timer& interval_timer(Process& process, int which) {
  static constexpr int signals[] = {SIGALRM, SIGVTALRM, SIGPROF};
  Timer& timer = process.timers.interval[which];
  timer.process = &process;
  timer.signal = signals[which];
  timer.counts_cpu = which != interval_real;
  return timer;
}

IntervalSetting setting_of(const Timer& timer) {
  return {to_microseconds(timer.interval_ns), to_microseconds(timer_left(timer))};
}

void set_timer(Timer& timer, int64_t left_ns, int64_t interval_ns) {
  arm_timer(timer, left_ns == 0 ? never : timer_now(timer) + left_ns, left_ns == 0 ? 0 : interval_ns);
}

Timer* find_timer(Process& process, uint64_t id) {
  for (Timer& timer : process.timers.posix)
    if (timer.id == static_cast<int>(id)) return &timer;
  return nullptr;
}

constexpr int clock_realtime = 0, clock_monotonic = 1, clock_process = 2, clock_thread = 3, clock_coarse = 6,
              clock_boottime = 7, clock_realtime_alarm = 8, clock_boottime_alarm = 9, clock_tai = 11;

bool follows_realtime(int clock) {
  return clock == clock_realtime || clock == clock_realtime_alarm || clock == clock_tai;
}

/// 0, or why there is no timer on this clock. Of threads' CPU time the timers' keeper knows nothing.
int refusal_of_clock(int clock) {
  switch (clock) {
    case clock_realtime: case clock_monotonic: case clock_process: case clock_boottime: case clock_realtime_alarm:
    case clock_boottime_alarm: case clock_tai:
      return 0;
    default:
      return clock >= clock_thread && clock <= clock_coarse ? -EOPNOTSUPP : -EINVAL;
  }
}

struct Event {  // struct sigevent
  uint64_t value;
  int32_t signal, notify, thread, pad;
  uint64_t rest[5];
};
static_assert(sizeof(Event) == 64);
constexpr int notify_signal = 0, notify_none = 1, notify_thread = 2, notify_thread_id = 4;

/// Under process_lock: what the event asks for. 0 or -EINVAL.
int apply_event(Timer& timer, const Event& event) {
  switch (event.notify) {
    case notify_none: timer.silent = true; return 0;
    case notify_thread_id: {
      const Thread* thread = find_thread(event.thread);
      if (thread == nullptr || thread->process != timer.process) return -EINVAL;
      timer.target = event.thread;
      break;
    }
    case notify_signal: case notify_thread: break;
    default: return -EINVAL;
  }
  if (event.signal < 1 || event.signal > signal_count) return -EINVAL;
  timer.signal = event.signal;
  timer.value = event.value;
  return 0;
}

TimerSetting setting_of_posix(const Timer& timer) {
  return {to_time(timer.interval_ns), to_time(timer_left(timer))};
}

}  // namespace

Sysret sys_alarm(Thread& self, const Args& args) {
  Guard guard(process_lock());
  Timer& timer = interval_timer(*self.process, interval_real);
  const int64_t left = timer_left(timer);
  set_timer(timer, static_cast<int64_t>(static_cast<uint32_t>(args[0])) * ns_per_second, 0);
  const int64_t seconds = left / ns_per_second, rest = left % ns_per_second;
  return seconds + (rest >= ns_per_second / 2 || (seconds == 0 && rest > 0) ? 1 : 0);
}

Sysret sys_getitimer(Thread& self, const Args& args) {
  if (args[0] > interval_profile) return -EINVAL;
  IntervalSetting setting;
  {
    Guard guard(process_lock());
    setting = setting_of(interval_timer(*self.process, static_cast<int>(args[0])));
  }
  return write_user(args[1], setting) ? 0 : -EFAULT;
}

Sysret sys_setitimer(Thread& self, const Args& args) {
  IntervalSetting wanted{};
  if (args[1] != 0 && !read_user(args[1], wanted)) return -EFAULT;
  if (args[0] > interval_profile || !is_valid(wanted.value) || !is_valid(wanted.interval)) return -EINVAL;
  IntervalSetting old;
  {
    Guard guard(process_lock());
    Timer& timer = interval_timer(*self.process, static_cast<int>(args[0]));
    old = setting_of(timer);
    set_timer(timer, to_ns(wanted.value), to_ns(wanted.interval));
  }
  return args[2] == 0 || write_user(args[2], old) ? 0 : -EFAULT;
}

Sysret sys_timer_create(Thread& self, const Args& args) {
  const auto clock = static_cast<int>(args[0]);
  if (const int refusal = refusal_of_clock(clock); refusal != 0) return refusal;
  Event event{};
  event.signal = SIGALRM;
  if (args[1] != 0 && !read_user(args[1], event)) return -EFAULT;
  Owned<Timer> timer(new (nothrow) Timer);
  if (!timer) return -EAGAIN;
  Process& process = *self.process;
  timer->process = &process;
  timer->clock = clock;
  timer->counts_cpu = clock == clock_process;
  timer->is_posix = true;
  {
    Guard guard(process_lock());
    if (const int error = apply_event(*timer, event); error != 0) return error;
    timer->id = process.timers.next_id++;
    if (args[1] == 0) timer->value = static_cast<uint64_t>(timer->id);
  }
  if (!write_user(args[2], timer->id)) return -EFAULT;
  Guard guard(process_lock());
  process.timers.posix.push_back(*timer.release());
  return 0;
}

Sysret sys_timer_settime(Thread& self, const Args& args) {
  constexpr uint64_t absolute = 1;
  TimerSetting wanted;
  if (args[2] == 0) return -EINVAL;
  if (!read_user(args[2], wanted)) return -EFAULT;
  if (!is_valid(wanted.value) || !is_valid(wanted.interval)) return -EINVAL;
  TimerSetting old;
  {
    Guard guard(process_lock());
    Timer* timer = find_timer(*self.process, args[0]);
    if (timer == nullptr) return -EINVAL;
    old = setting_of_posix(*timer);
    const int64_t value = to_ns(wanted.value);
    int64_t start = 0;  // of the timer's scale, as the wanted value counts
    if ((args[1] & absolute) == 0) start = timer_now(*timer);
    else if (follows_realtime(timer->clock)) start = monotonic_ns() - realtime_ns();
    const int64_t deadline = value > 0 ? max<int64_t>(start + value, 0) : never;
    arm_timer(*timer, deadline, value > 0 ? to_ns(wanted.interval) : 0);
  }
  return args[3] == 0 || write_user(args[3], old) ? 0 : -EFAULT;
}

Sysret sys_timer_gettime(Thread& self, const Args& args) {
  TimerSetting setting;
  {
    Guard guard(process_lock());
    const Timer* timer = find_timer(*self.process, args[0]);
    if (timer == nullptr) return -EINVAL;
    setting = setting_of_posix(*timer);
  }
  return write_user(args[1], setting) ? 0 : -EFAULT;
}

Sysret sys_timer_getoverrun(Thread& self, const Args& args) {
  Guard guard(process_lock());
  const Timer* timer = find_timer(*self.process, args[0]);
  return timer == nullptr ? -EINVAL : timer->last_missed;
}

Sysret sys_timer_delete(Thread& self, const Args& args) {
  Guard guard(process_lock());
  Timer* timer = find_timer(*self.process, args[0]);
  if (timer == nullptr) return -EINVAL;
  timer->ArmedNode::unlink();
  timer->TimerNode::unlink();
  delete timer;
  return 0;
}

}  // namespace hobbes::lwk
