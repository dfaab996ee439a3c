// SPDX-License-Identifier: Apache-2.0
// compute loop | triad: arithmetic that stays in registers, or STREAM's triad over arrays larger than most caches.
#include <stdlib.h>
#include <string.h>

#include "tests/bench/node/programs/serve.h"

enum { loop_steps = 20000000, array_length = 8 << 20 };  // arrays of 64 MiB

static double *a, *b, *c;
static volatile double result;

static void loop(uint64_t times) {
  double x = 0.5;
  for (; times > 0; --times) {
    for (int step = 0; step < loop_steps; ++step) x = 3.75 * x * (1 - x);  // the logistic map: nothing to vectorize
  }
  result = x;
}

static double* make_array(double value) {
  double* array = malloc(array_length * sizeof *array);
  for (long i = 0; array != NULL && i < array_length; ++i) array[i] = value;
  return array;
}

static void triad(uint64_t times) {
  const double scalar = 3;
  for (; times > 0; --times) {
    for (long i = 0; i < array_length; ++i) a[i] = b[i] + scalar * c[i];
    __asm__ volatile("" : : "r"(a) : "memory");  // somebody might look at it
  }
}

static int serve_triad(void) {
  a = make_array(0);
  b = make_array(1);
  c = make_array(2);
  return a == NULL || b == NULL || c == NULL ? 1 : serve(triad);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (strcmp(argv[1], "loop") == 0) return serve(loop);
  return strcmp(argv[1], "triad") == 0 ? serve_triad() : 2;
}
