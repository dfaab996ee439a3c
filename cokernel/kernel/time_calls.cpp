// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint64_t clock_realtime = 0, clock_monotonic = 1, clock_process = 2, clock_thread = 3, clock_raw = 4,
                   clock_realtime_coarse = 5, clock_monotonic_coarse = 6, clock_boottime = 7;
constexpr uint64_t timer_absolute = 1;

bool read_clock(uint64_t clock, int64_t& ns) {
  switch (clock) {
    case clock_realtime: case clock_realtime_coarse: ns = realtime_ns(); return true;
    case clock_monotonic: case clock_raw: case clock_monotonic_coarse: case clock_boottime: ns = monotonic_ns(); return true;
    // A thread has its CPU to itself: its time is the clock's.
    case clock_process: case clock_thread: ns = monotonic_ns(); return true;
    default: return false;
  }
}

Sysret sleep(int64_t deadline_ns, UserAddr remaining) {
  if (sleep_until([] { return false; }, deadline_ns) == Wake::deadline) return 0;
  if (remaining != 0 && !write_user(remaining, to_time(max<int64_t>(deadline_ns - monotonic_ns(), 0)))) return -EFAULT;
  return -EINTR;
}

}  // namespace

Sysret sys_clock_gettime(Thread&, const Args& args) {
  int64_t ns = 0;
  if (!read_clock(args[0], ns)) return -EINVAL;
  return write_user(args[1], to_time(ns)) ? 0 : -EFAULT;
}

Sysret sys_clock_getres(Thread&, const Args& args) {
  int64_t ns = 0;
  if (!read_clock(args[0], ns)) return -EINVAL;
  return args[1] == 0 || write_user(args[1], TimeSpec{0, 1}) ? 0 : -EFAULT;
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

Sysret sys_clock_nanosleep(Thread&, const Args& args) {
  TimeSpec time;
  int64_t now = 0;
  if (!read_clock(args[0], now)) return -EINVAL;
  if (!read_user(args[2], time)) return -EFAULT;
  if (!is_valid(time)) return -EINVAL;
  const bool absolute = (args[1] & timer_absolute) != 0;
  const int64_t delay = absolute ? to_ns(time) - now : to_ns(time);
  return sleep(monotonic_ns() + delay, absolute ? 0 : args[3]);
}

Sysret sys_getrusage(Thread&, const Args& args) {
  struct {
    TimeSpec user, system;
    int64_t rest[14];
  } usage{};
  const int64_t ns = monotonic_ns();
  usage.user = {ns / ns_per_second, ns % ns_per_second / 1000};
  return write_user(args[1], usage) ? 0 : -EFAULT;
}

Sysret sys_times(Thread&, const Args& args) {
  constexpr int64_t ns_per_tick = 10'000'000;
  const int64_t ticks = monotonic_ns() / ns_per_tick;
  const int64_t times[4] = {ticks, 0, 0, 0};
  return args[0] == 0 || write_user(args[0], times) ? ticks : -EFAULT;
}

}  // namespace hobbes::lwk
