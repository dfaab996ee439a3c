// SPDX-License-Identifier: Apache-2.0
// Reading the node's clocks off the line over the TSC (abi/boot_params.h, hobbes_clock): in the kernel, and in programs (vdso/).
#pragma once

#include "cokernel/kernel/types.hpp"
#include "kernel-bridge/abi/boot_params.h"

namespace hobbes::lwk {

/// Both clocks at one moment, in nanoseconds.
struct Instant {
  uint64_t monotonic, realtime;
};

/// `ticks()` reads the CPU's time-stamp counter.
template <typename Ticks>
[[nodiscard]] inline Instant read_clock_line(const hobbes_clock& clock, Ticks ticks) {
  __extension__ using Wide = unsigned __int128;
  while (true) {
    // A sequence lock's read side (Boehm, MSPC 2012): acquire, then an acquire fence before the second look; partner:
    // the bridge's publish().
    const auto read = [](const uint64_t& field) { return __atomic_load_n(&field, __ATOMIC_RELAXED); };
    const uint32_t before = __atomic_load_n(&clock.sequence, __ATOMIC_ACQUIRE);
    const uint64_t delta = ticks() - read(clock.tsc_base);
    const auto passed = static_cast<uint64_t>((static_cast<Wide>(delta) * read(clock.mult)) >> 32);
    const Instant instant{read(clock.monotonic_ns) + passed, read(clock.realtime_ns) + passed};
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (before % 2 == 0 && __atomic_load_n(&clock.sequence, __ATOMIC_RELAXED) == before) [[likely]] return instant;
    __builtin_ia32_pause();
  }
}

}  // namespace hobbes::lwk
