// SPDX-License-Identifier: Apache-2.0
// Arithmetic that stays in registers.
#include "tests/bench/node/programs/serve.h"

enum { loop_steps = 20000000 };

static volatile double result;

static void loop(uint64_t times) {
  double x = 0.5;
  for (; times > 0; --times) {
    for (int step = 0; step < loop_steps; ++step) x = 3.75 * x * (1 - x);  // the logistic map: nothing to vectorize
  }
  result = x;
}

int main(void) { return serve(loop); }
