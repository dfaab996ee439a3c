// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/boot/clock_keeper.hpp"

namespace hobbes::bridge {

void ClockKeeper::update() {
  const std::lock_guard lock(mutex_);
  const ClockSample now = sample_clocks();
  line_ = next_line(line_, now, rate_between(start_, now, tsc_hz()));
  publish(shared_, line_);
}

}  // namespace hobbes::bridge
