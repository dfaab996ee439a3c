// SPDX-License-Identifier: Apache-2.0
// The clocks, for programs: Linux's names, arguments and results (vdso(7)).
#include "cokernel/kernel/clock_line.hpp"

namespace hobbes::lwk {
namespace {

struct TimeSpec {
  int64_t seconds, nanoseconds;
};
struct TimeValue {
  int64_t seconds, microseconds;
};
struct TimeZone {
  int32_t minutes_west, daylight_saving;
};

constexpr uint64_t ns_per_second = 1'000'000'000, ns_per_us = 1'000;
enum Clock : int {
  realtime = 0, monotonic = 1, raw = 4, realtime_coarse = 5, monotonic_coarse = 6, boottime = 7, tai = 11,
};
constexpr uint32_t bit(Clock clock) { return 1u << clock; }
constexpr uint32_t realtime_clocks = bit(realtime) | bit(realtime_coarse) | bit(tai);
constexpr uint32_t monotonic_clocks = bit(monotonic) | bit(raw) | bit(monotonic_coarse) | bit(boottime);
constexpr int most_clocks = 32;
constexpr uint32_t nr_clock_gettime = 228, nr_clock_getres = 229;

[[nodiscard]] bool is_one_of(uint32_t clocks, int clock) {
  return clock >= 0 && clock < most_clocks && (clocks >> clock & 1) != 0;
}

/// In program order with the loads before it, so that two threads who tell each other the time agree.
uint64_t ordered_ticks() {
  uint32_t low = 0, high = 0;
  asm volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
  return static_cast<uint64_t>(high) << 32 | low;
}

}  // namespace

// The page before this object (vdso.ld), and the kernel's own answer (call.S).
extern "C" [[gnu::visibility("hidden")]] hobbes_clock vdso_clock;
extern "C" [[gnu::visibility("hidden")]] int vdso_call(int64_t first, void* second, uint32_t number);

extern "C" {

[[gnu::visibility("default")]] int __vdso_clock_gettime(int clock, TimeSpec* time) {
  const bool is_realtime = is_one_of(realtime_clocks, clock);
  if (!is_realtime && !is_one_of(monotonic_clocks, clock)) return vdso_call(clock, time, nr_clock_gettime);
  const Instant now = read_clock_line(vdso_clock, ordered_ticks);
  const uint64_t ns = is_realtime ? now.realtime : now.monotonic;
  time->seconds = static_cast<int64_t>(ns / ns_per_second);
  time->nanoseconds = static_cast<int64_t>(ns % ns_per_second);
  return 0;
}

[[gnu::visibility("default")]] int __vdso_clock_getres(int clock, TimeSpec* resolution) {
  return vdso_call(clock, resolution, nr_clock_getres);
}

[[gnu::visibility("default")]] int __vdso_gettimeofday(TimeValue* time, TimeZone* zone) {
  if (time != nullptr) {
    const uint64_t ns = read_clock_line(vdso_clock, ordered_ticks).realtime;
    *time = {static_cast<int64_t>(ns / ns_per_second), static_cast<int64_t>(ns % ns_per_second / ns_per_us)};
  }
  if (zone != nullptr) *zone = {0, 0};  // the kernel knows of none
  return 0;
}

[[gnu::visibility("default")]] int64_t __vdso_time(int64_t* time) {
  const auto now = static_cast<int64_t>(read_clock_line(vdso_clock, ordered_ticks).realtime / ns_per_second);
  if (time != nullptr) *time = now;
  return now;
}

}  // extern "C"
}  // namespace hobbes::lwk
