// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/clock.hpp"

#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk {
namespace {

__extension__ using Wide = unsigned __int128;

struct Instant {
  uint64_t monotonic, realtime;
};

Instant now() {
  hobbes_clock& clock = boot_params().clock;
  while (true) {
    // A sequence lock's read side (Boehm, MSPC 2012): acquire, then an acquire fence before the second look; partner:
    // the bridge's update.
    const uint32_t before = __atomic_load_n(&clock.sequence, __ATOMIC_ACQUIRE);
    const uint64_t delta = port::ticks() - clock.tsc_base;
    const auto passed = static_cast<uint64_t>((static_cast<Wide>(delta) * clock.mult) >> 32);
    const Instant instant{clock.monotonic_ns + passed, clock.realtime_ns + passed};
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (before % 2 == 0 && __atomic_load_n(&clock.sequence, __ATOMIC_RELAXED) == before) return instant;
    port::relax();
  }
}

}  // namespace

int64_t monotonic_ns() { return static_cast<int64_t>(now().monotonic); }
int64_t realtime_ns() { return static_cast<int64_t>(now().realtime); }
int64_t realtime_offset_ns() {
  const Instant instant = now();
  return static_cast<int64_t>(instant.realtime - instant.monotonic);
}

}  // namespace hobbes::lwk
