// SPDX-License-Identifier: Apache-2.0
// The clocks: Linux's CLOCK_MONOTONIC and CLOCK_REALTIME, computed from the TSC and the boot page (abi/boot_params.h).
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

inline constexpr int64_t ns_per_second = 1'000'000'000;

[[nodiscard]] int64_t monotonic_ns();
[[nodiscard]] int64_t realtime_ns();
/// realtime_ns() - monotonic_ns() of one instant: the same until the clock is set.
[[nodiscard]] int64_t realtime_offset_ns();

struct TimeSpec {
  int64_t seconds, nanoseconds;
};
[[nodiscard]] constexpr bool is_valid(const TimeSpec& time) {
  return time.seconds >= 0 && time.nanoseconds >= 0 && time.nanoseconds < ns_per_second;
}
/// Saturates far in the future.
[[nodiscard]] constexpr int64_t to_ns(const TimeSpec& time) {
  constexpr int64_t limit = INT64_MAX / 4 / ns_per_second;
  return time.seconds > limit ? limit * ns_per_second : time.seconds * ns_per_second + time.nanoseconds;
}
[[nodiscard]] constexpr TimeSpec to_time(int64_t ns) { return {ns / ns_per_second, ns % ns_per_second}; }

}  // namespace hobbes::lwk
