// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/resource_usage.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr int clock_realtime = 0, clock_monotonic = 1, clock_process = 2, clock_thread = 3, clock_raw = 4,
              clock_realtime_coarse = 5, clock_monotonic_coarse = 6, clock_boottime = 7, clock_realtime_alarm = 8,
              clock_boottime_alarm = 9, clock_tai = 11;
constexpr uint64_t timer_absolute = 1;

/// A CPU-time clock by number (clock_getcpuclockid(3)): the id, inverted, above three bits of which the third says that
/// it is a thread's.
struct CpuClock {
  int id;
  bool of_thread, valid;
};
CpuClock cpu_clock(int clock) {
  constexpr int measures = 3;  // profiling, virtual, scheduler time: all are one here
  return {~(clock >> 3), (clock & 4) != 0, (clock & 3) < measures};
}

bool read_cpu_clock(Thread& self, int clock, int64_t& ns) {
  const CpuClock wanted = cpu_clock(clock);
  if (!wanted.valid) return false;
  Guard guard(process_lock());
  if (wanted.of_thread) {
    const Thread* thread = wanted.id == 0 ? &self : find_thread(wanted.id);
    if (thread == nullptr || thread->leaving || thread->process != self.process) return false;
    ns = thread_cpu_ns(*thread);
    return true;
  }
  const Process* process = wanted.id == 0 ? self.process : find_process(wanted.id);
  if (process == nullptr || process->app != self.process->app) return false;
  ns = process_cpu_time(*process).total();
  return true;
}

CpuTime own_cpu_time(const Process& process) {
  Guard guard(process_lock());  // its threads come and go
  return process_cpu_time(process);
}

bool read_clock(Thread& self, int clock, int64_t& ns) {
  switch (clock) {
    case clock_realtime: case clock_realtime_coarse: case clock_realtime_alarm: case clock_tai:
      ns = realtime_ns();
      return true;
    case clock_monotonic: case clock_raw: case clock_monotonic_coarse: case clock_boottime: case clock_boottime_alarm:
      ns = monotonic_ns();
      return true;
    case clock_process: ns = own_cpu_time(*self.process).total(); return true;
    case clock_thread: ns = thread_cpu_ns(self); return true;
    default: return clock < 0 && read_cpu_clock(self, clock, ns);
  }
}

/// A sleep ends when this much CPU time has been used: others must use it.
Sysret sleep_on_cpu_time(Thread& self, int clock, int64_t until) {
  constexpr int64_t look_again_ns = ns_per_second / 1000;
  int64_t now = 0;
  while (read_clock(self, clock, now) && now < until) {
    const int64_t look_again = monotonic_ns() + max(look_again_ns, (until - now) / 8);
    if (sleep_until([] { return false; }, look_again) == Wake::signal) return -EINTR;
  }
  return 0;
}

Sysret sleep(int64_t deadline_ns, UserAddr remaining) {
  if (sleep_until([] { return false; }, deadline_ns) == Wake::deadline) return 0;
  if (remaining != 0 && !write_user(remaining, to_time(max<int64_t>(deadline_ns - monotonic_ns(), 0)))) return -EFAULT;
  return -EINTR;
}

}  // namespace

Sysret sys_clock_gettime(Thread& self, const Args& args) {
  int64_t ns = 0;
  if (!read_clock(self, static_cast<int>(args[0]), ns)) return -EINVAL;
  return write_user(args[1], to_time(ns)) ? 0 : -EFAULT;
}

Sysret sys_clock_getres(Thread& self, const Args& args) {
  int64_t ns = 0;
  if (!read_clock(self, static_cast<int>(args[0]), ns)) return -EINVAL;
  return args[1] == 0 || write_user(args[1], TimeSpec{0, 1}) ? 0 : -EFAULT;
}

/// The clock is the node's: nobody in an enclave sets it.
Sysret sys_clock_settime(Thread&, const Args& args) {
  TimeSpec time;
  if (static_cast<int>(args[0]) != clock_realtime) return -EINVAL;
  if (!read_user(args[1], time)) return -EFAULT;
  return is_valid(time) ? -EPERM : -EINVAL;
}

Sysret sys_gettimeofday(Thread&, const Args& args) {
  const int64_t ns = realtime_ns();
  const TimeSpec time{ns / ns_per_second, ns % ns_per_second / 1000};
  if (args[0] != 0 && !write_user(args[0], time)) return -EFAULT;
  return args[1] == 0 || write_user(args[1], uint64_t{0}) ? 0 : -EFAULT;
}

Sysret sys_time(Thread&, const Args& args) {
  const int64_t seconds = realtime_ns() / ns_per_second;
  return args[0] == 0 || write_user(args[0], seconds) ? seconds : -EFAULT;
}

Sysret sys_nanosleep(Thread&, const Args& args) {
  TimeSpec time;
  if (!read_user(args[0], time)) return -EFAULT;
  if (!is_valid(time)) return -EINVAL;
  return sleep(monotonic_ns() + to_ns(time), args[1]);
}

Sysret sys_clock_nanosleep(Thread& self, const Args& args) {
  TimeSpec time;
  int64_t now = 0;
  const auto clock = static_cast<int>(args[0]);
  const bool no_sleep = clock == clock_raw || clock == clock_realtime_coarse || clock == clock_monotonic_coarse ||
                        clock == clock_thread;
  if (!read_clock(self, clock, now)) return -EINVAL;
  if (no_sleep) return -EOPNOTSUPP;
  if (!read_user(args[2], time)) return -EFAULT;
  if (!is_valid(time)) return -EINVAL;
  const bool absolute = (args[1] & timer_absolute) != 0;
  const int64_t until = absolute ? to_ns(time) : now + to_ns(time);
  if (clock < 0 || clock == clock_process) return sleep_on_cpu_time(self, clock, until);
  return sleep(monotonic_ns() + (until - now), absolute ? 0 : args[3]);
}

/// Whoever only asks how the clock is doing is told that it is as it should be; nobody changes it.
Sysret sys_adjtimex(Thread& self, const Args& args) { return sys_clock_adjtime(self, {{clock_realtime, args[0]}}); }

Sysret sys_clock_adjtime(Thread&, const Args& args) {
  constexpr int64_t clock_ok = 0, tick_microseconds = 10'000;
  struct {  // struct timex
    uint32_t modes, pad;
    int64_t offset, frequency, largest_error, estimated_error;
    int32_t status, pad2;
    int64_t constant, precision, tolerance;
    TimeSpec time;  // in microseconds
    int64_t tick, rest[14];
  } state;
  static_assert(sizeof(state) == 208);
  if (static_cast<int>(args[0]) != clock_realtime) return -EOPNOTSUPP;
  if (!read_user(args[1], state)) return -EFAULT;
  if (state.modes != 0) return -EPERM;
  const int64_t now = realtime_ns();
  state = {};
  state.precision = 1;
  state.tick = tick_microseconds;
  state.time = {now / ns_per_second, now % ns_per_second / 1000};
  return write_user(args[1], state) ? clock_ok : -EFAULT;
}

Sysret sys_getrusage(Thread& self, const Args& args) {
  constexpr int of_self = 0, of_children = -1, of_thread = 1;
  ResourceUsage usage{};
  const uint64_t mapped = self.process->space.mapped_bytes();
  switch (static_cast<int>(args[0])) {
    case of_self: usage = usage_of(own_cpu_time(*self.process), mapped); break;
    case of_thread: usage = usage_of({thread_cpu_ns(self), 0}, mapped); break;
    case of_children: {
      Guard guard(process_lock());
      usage = usage_of(self.process->children_cpu, 0);
      break;
    }
    default: return -EINVAL;
  }
  return write_user(args[1], usage) ? 0 : -EFAULT;
}

Sysret sys_times(Thread& self, const Args& args) {
  constexpr int64_t ns_per_tick = 10'000'000;
  CpuTime children;
  {
    Guard guard(process_lock());
    children = self.process->children_cpu;
  }
  const CpuTime own = own_cpu_time(*self.process);
  const int64_t times[4] = {own.user_ns / ns_per_tick, own.system_ns / ns_per_tick, children.user_ns / ns_per_tick,
                            children.system_ns / ns_per_tick};
  return args[0] == 0 || write_user(args[0], times) ? monotonic_ns() / ns_per_tick : -EFAULT;
}

}  // namespace hobbes::lwk
