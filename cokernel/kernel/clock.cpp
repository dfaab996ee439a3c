// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/clock.hpp"

#include "cokernel/kernel/clock_line.hpp"
#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk {
namespace {

Instant now() { return read_clock_line(boot_params().clock, port::ticks); }

}  // namespace

int64_t monotonic_ns() { return static_cast<int64_t>(now().monotonic); }
int64_t realtime_ns() { return static_cast<int64_t>(now().realtime); }
int64_t realtime_offset_ns() {
  const Instant instant = now();
  return static_cast<int64_t>(instant.realtime - instant.monotonic);
}

}  // namespace hobbes::lwk
