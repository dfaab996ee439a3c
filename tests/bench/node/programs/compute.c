// SPDX-License-Identifier: Apache-2.0
// compute loop | triad: arithmetic that stays in registers, or STREAM's triad over arrays larger than most caches.
#include <stdlib.h>
#include <string.h>

#include "serve.h"

enum { loop_steps = 20000000, array_length = 8 << 20 };  // arrays of 64 MiB

static double a[array_length], b[array_length], c[array_length];
static volatile double result;

static void loop(uint64_t times) {
  double x = 0.5;
  for (; times > 0; --times) {
    for (int step = 0; step < loop_steps; ++step) x = 3.75 * x * (1 - x);  // the logistic map: a chain, nothing to vectorize
  }
  result = x;
}

static void triad(uint64_t times) {
  for (; times > 0; --times) {
    const double scalar = result;
    for (long i = 0; i < array_length; ++i) a[i] = b[i] + scalar * c[i];
  }
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "loop") == 0) return serve(loop);
  if (argc != 2 || strcmp(argv[1], "triad") != 0) return 2;
  for (long i = 0; i < array_length; ++i) b[i] = c[i] = (double)i;
  result = 3;
  return serve(triad);
}
