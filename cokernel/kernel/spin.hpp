// SPDX-License-Identifier: Apache-2.0
// Looking for something that another CPU is about to do, before sleeping for it.
#pragma once

#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk {

/// Looks until `done()` holds, or `go_on()` no more, which is asked now and then. Each time the CPU is offered to others who
/// want it, in case what is looked for needs it: after some microseconds first, more seldom as time goes on, because the
/// machine makes a call of that. Whether it holds.
template <typename Done, typename GoOn>
[[nodiscard]] bool spin_until(Done done, GoOn go_on) {
  constexpr int first_looks = 256, most_looks = 1024;
  for (int looks = first_looks;; looks = min(looks * 2, most_looks)) {
    for (int i = 0; i < looks; ++i) {
      if (done()) return true;
      port::relax();
    }
    if (!go_on()) return false;
    port::yield();
  }
}

}  // namespace hobbes::lwk
