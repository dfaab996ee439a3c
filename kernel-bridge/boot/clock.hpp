// SPDX-License-Identifier: Apache-2.0
// The node's clocks as enclaves see them: a line over the time-stamp counter (abi/boot_params.h, hobbes_clock).
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "kernel-bridge/abi/boot_params.h"

namespace hobbes::bridge {

/// The counter and Linux's clocks at one moment.
struct ClockSample {
  std::uint64_t tsc = 0;
  std::uint64_t monotonic_ns = 0;
  std::uint64_t realtime_ns = 0;
};
[[nodiscard]] ClockSample sample_clocks();

/// Ticks per second, measured against CLOCK_MONOTONIC_RAW in the first call, which takes some 10 ms. Any thread.
[[nodiscard]] std::uint64_t tsc_hz();
/// The counter's rate against CLOCK_MONOTONIC between two samples; `nominal_hz` when they are too close to tell.
[[nodiscard]] std::uint64_t rate_between(const ClockSample& from, const ClockSample& to, std::uint64_t nominal_hz);
/// Whether the counter ticks at one rate on all CPUs whatever they do (constant_tsc, nonstop_tsc).
[[nodiscard]] Status check_tsc();

/// The line through `now` with this rate, for a new enclave.
[[nodiscard]] hobbes_clock first_line(const ClockSample& now, std::uint64_t hz);
/// The line that goes on from `old` without a step and meets Linux's clocks a while later: CLOCK_MONOTONIC differences
/// are made good by a slightly other rate, at most 500 ppm, or by a step forward when they are large (the node slept).
/// CLOCK_REALTIME keeps Linux's distance from CLOCK_MONOTONIC. `sequence` is the old one's.
[[nodiscard]] hobbes_clock next_line(const hobbes_clock& old, const ClockSample& now, std::uint64_t hz);

/// What a reader of the line makes of `tsc`, in CLOCK_MONOTONIC's nanoseconds.
[[nodiscard]] std::uint64_t monotonic_at(const hobbes_clock& line, std::uint64_t tsc);

/// Replaces the line in shared memory under its sequence lock. One writer a time.
void publish(hobbes_clock& shared, const hobbes_clock& line);

}  // namespace hobbes::bridge
