// SPDX-License-Identifier: Apache-2.0
// stream [passes]: STREAM's four kernels over arrays of 32 MiB, which are fresh memory: the first pass is timed, too.
#include <math.h>

#include "tests/workloads/timed.h"

enum { length = 4 << 20 };

static const double scalar = 3;

static void pass(double* restrict a, double* restrict b, double* restrict c) {
  for (long i = 0; i < length; ++i) c[i] = a[i];
  for (long i = 0; i < length; ++i) b[i] = scalar * c[i];
  for (long i = 0; i < length; ++i) c[i] = a[i] + b[i];
  for (long i = 0; i < length; ++i) a[i] = b[i] + scalar * c[i];
}

static int is_right(const double* array, double expected) {
  for (long i = 0; i < length; ++i)
    if (fabs(array[i] / expected - 1) > 1e-9) return 0;
  return 1;
}

int main(int argc, char** argv) {
  const long passes = argument(argc, argv, 10, 200);
  double* const a = allocate(length * sizeof *a);
  double* const b = allocate(length * sizeof *b);
  double* const c = allocate(length * sizeof *c);
  const struct timed part = begin_timed();
  for (long i = 0; i < length; ++i) {
    a[i] = 1;
    b[i] = 2;
    c[i] = 0;
  }
  for (long i = 0; i < passes; ++i) pass(a, b, c);
  const struct timed took = end_timed(part);
  double one_a = 1, one_b = 2, one_c = 0;
  for (long i = 0; i < passes; ++i) {
    one_c = one_a;
    one_b = scalar * one_c;
    one_c = one_a + one_b;
    one_a = one_b + scalar * one_c;
  }
  return report("stream", is_right(a, one_a) && is_right(b, one_b) && is_right(c, one_c), took);
}
