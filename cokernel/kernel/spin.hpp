// SPDX-License-Identifier: Apache-2.0
// Looking for something that another CPU is about to do, before sleeping for it.
#pragma once

#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk {

/// Looks until `done()` holds, or `go_on()` no more, which is asked now and then. Each time the CPU is offered to others who
/// want it, in case what is looked for needs it: after some microseconds first, more seldom as time goes on, because the
/// machine makes a call of that. Whether it holds. Between two looks come `rests`: who works for us may do so on the other
/// thread of this CPU's core, and each look takes from him.
template <typename Done, typename GoOn>
[[nodiscard]] bool spin_until(Done done, GoOn go_on, int rests = 1) {
  constexpr int first_rests = 256, most_rests = 1024;
  for (int left = first_rests, next = first_rests * 2;; left = next, next = min(next * 2, most_rests)) {
    for (; left > 0; left -= rests) {
      if (done()) return true;
      for (int i = 0; i < rests; ++i) port::relax();
    }
    if (!go_on()) return false;
    port::yield();
  }
}

}  // namespace hobbes::lwk
