// SPDX-License-Identifier: Apache-2.0
// Says on stdout when it began to run: CLOCK_MONOTONIC in nanoseconds, eight bytes.
#include <unistd.h>

#include "tests/bench/node/programs/clock.h"

int main(void) {
  const uint64_t began = monotonic_ns();
  return write(STDOUT_FILENO, &began, sizeof began) == sizeof began ? 0 : 1;
}
