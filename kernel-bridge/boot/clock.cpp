// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/boot/clock.hpp"

#include <x86intrin.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>

namespace hobbes::bridge {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t calibration_ns = 10'000'000;
/// An enclave's clock that is this far behind is stepped forward; less is made good by its rate.
constexpr std::int64_t step_ns = 100'000'000;
/// A difference is made good in this time, if the rate limit lets it.
constexpr std::int64_t slew_seconds = 10;
constexpr std::int64_t max_slew_ppb = 500'000;
constexpr std::int64_t billion = 1'000'000'000;
/// Interrupted readings are the longer ones: the shortest of so many counts.
constexpr int sample_attempts = 5;

std::uint64_t read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * second + static_cast<std::uint64_t>(time.tv_nsec);
}

struct Reading {
  std::uint64_t tsc;
  std::uint64_t ns;
};

/// The counter in the middle of a reading of the clock.
Reading read_together(clockid_t clock) {
  Reading best{};
  std::uint64_t best_width = UINT64_MAX;
  for (int attempt = 0; attempt < sample_attempts; ++attempt) {
    const std::uint64_t before = __rdtsc();
    const std::uint64_t ns = read_clock(clock);
    const std::uint64_t width = __rdtsc() - before;
    if (width >= best_width) continue;
    best_width = width;
    best = {before + width / 2, ns};
  }
  return best;
}

std::uint64_t measure_tsc_hz() {
  const Reading start = read_together(CLOCK_MONOTONIC_RAW);
  while (read_clock(CLOCK_MONOTONIC_RAW) - start.ns < calibration_ns) _mm_pause();
  const Reading end = read_together(CLOCK_MONOTONIC_RAW);
  return static_cast<std::uint64_t>(Wide{end.tsc - start.tsc} * second / (end.ns - start.ns));
}

/// 2^32 nanoseconds per tick, with a correction in parts per billion.
std::uint64_t multiplier(std::uint64_t hz, std::int64_t ppb) {
  const auto nominal = static_cast<std::uint64_t>((Wide{second} << 32) / hz);
  return static_cast<std::uint64_t>(Wide{nominal} * static_cast<std::uint64_t>(billion + ppb) / billion);
}

}  // namespace

ClockSample sample_clocks() {
  const Reading monotonic = read_together(CLOCK_MONOTONIC);
  const Reading realtime = read_together(CLOCK_REALTIME);
  // Both at the first reading's moment.
  const auto later = static_cast<std::uint64_t>(Wide{realtime.tsc - monotonic.tsc} * second / tsc_hz());
  return {monotonic.tsc, monotonic.ns, realtime.ns - later};
}

std::uint64_t rate_between(const ClockSample& from, const ClockSample& to, std::uint64_t nominal_hz) {
  if (to.tsc <= from.tsc || to.monotonic_ns < from.monotonic_ns + second) return nominal_hz;
  return static_cast<std::uint64_t>(Wide{to.tsc - from.tsc} * second / (to.monotonic_ns - from.monotonic_ns));
}

std::uint64_t tsc_hz() {
  static const std::uint64_t hz = measure_tsc_hz();
  return hz;
}

Status check_tsc() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("flags")) continue;
    for (const char* flag : {" constant_tsc", " nonstop_tsc"}) {
      if ((line + ' ').find(std::string(flag) + ' ') == line.npos)
        return Error(Code::unsupported, "time-stamp counter: this CPU lacks" + std::string(flag) +
                                            ": the clocks of enclaves may drift from the node's");
    }
    return {};
  }
  return Error(Code::unsupported, "time-stamp counter: /proc/cpuinfo does not tell whether it is steady");
}

hobbes_clock first_line(const ClockSample& now, std::uint64_t hz) {
  return {0, 0, now.tsc, multiplier(hz, 0), now.monotonic_ns, now.realtime_ns};
}

hobbes_clock next_line(const hobbes_clock& old, const ClockSample& now, std::uint64_t hz) {
  const std::uint64_t shown = monotonic_at(old, now.tsc);
  const auto behind = static_cast<std::int64_t>(now.monotonic_ns - shown);
  const bool step = behind > step_ns;
  const std::uint64_t monotonic = step ? now.monotonic_ns : shown;
  const std::int64_t ppb = step ? 0 : std::clamp(behind / slew_seconds, -max_slew_ppb, max_slew_ppb);
  const std::uint64_t realtime = monotonic + (now.realtime_ns - now.monotonic_ns);
  return {old.sequence, 0, now.tsc, multiplier(hz, ppb), monotonic, realtime};
}

std::uint64_t monotonic_at(const hobbes_clock& line, std::uint64_t tsc) {
  return line.monotonic_ns + static_cast<std::uint64_t>((Wide{tsc - line.tsc_base} * line.mult) >> 32);
}

void publish(hobbes_clock& shared, const hobbes_clock& line) {
  // Odd while it changes. Readers: load-acquire of `sequence`, the fields, a fence, `sequence` again.
  const std::uint32_t sequence = __atomic_load_n(&shared.sequence, __ATOMIC_RELAXED) & ~1u;
  __atomic_store_n(&shared.sequence, sequence + 1, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  __atomic_store_n(&shared.tsc_base, line.tsc_base, __ATOMIC_RELAXED);
  __atomic_store_n(&shared.mult, line.mult, __ATOMIC_RELAXED);
  __atomic_store_n(&shared.monotonic_ns, line.monotonic_ns, __ATOMIC_RELAXED);
  __atomic_store_n(&shared.realtime_ns, line.realtime_ns, __ATOMIC_RELAXED);
  __atomic_store_n(&shared.sequence, sequence + 2, __ATOMIC_RELEASE);
}

}  // namespace hobbes::bridge
