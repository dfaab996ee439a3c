// SPDX-License-Identifier: Apache-2.0
// A program that works when told to: reads how often (eight bytes) from stdin, does it, answers on stdout with the
// nanoseconds it took (eight bytes), until the input ends.
#pragma once

#include <stdint.h>
#include <unistd.h>

#include "tests/bench/node/programs/clock.h"

static inline int serve(void (*work)(uint64_t times)) {
  uint64_t times;
  while (read(STDIN_FILENO, &times, sizeof times) == sizeof times) {
    const uint64_t start = monotonic_ns();
    work(times);
    const uint64_t took = monotonic_ns() - start;
    if (write(STDOUT_FILENO, &took, sizeof took) != sizeof took) return 1;
  }
  return 0;
}
