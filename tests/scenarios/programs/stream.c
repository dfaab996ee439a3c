// SPDX-License-Identifier: Apache-2.0
// STREAM's four kernels (McCalpin, 1995), with OpenMP where the compiler is told so. The arrays are compared with what they
// must be in the end; rates go to standard error, because they differ from run to run.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef _OPENMP
#include <omp.h>
#endif

enum { length = 1000000, rounds = 10 };

static double a[length], b[length], c[length];
static const double scalar = 3;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void start(void) {
#pragma omp parallel for
  for (long i = 0; i < length; ++i) a[i] = 1, b[i] = 2, c[i] = 0;
}

static void copy(void) {
#pragma omp parallel for
  for (long i = 0; i < length; ++i) c[i] = a[i];
}

static void scale(void) {
#pragma omp parallel for
  for (long i = 0; i < length; ++i) b[i] = scalar * c[i];
}

static void add(void) {
#pragma omp parallel for
  for (long i = 0; i < length; ++i) c[i] = a[i] + b[i];
}

static void triad(void) {
#pragma omp parallel for
  for (long i = 0; i < length; ++i) a[i] = b[i] + scalar * c[i];
}

static int is_all(const double* array, double value) {
  for (long i = 0; i < length; ++i)
    if (fabs(array[i] / value - 1) > 1e-13) return 0;
  return 1;
}

int main(void) {
  static const struct {
    const char* name;
    void (*run)(void);
    int arrays;
  } kernels[] = {{"copy", copy, 2}, {"scale", scale, 2}, {"add", add, 3}, {"triad", triad, 3}};
  double best[4] = {1e9, 1e9, 1e9, 1e9};
  double x = 1, y = 2, z = 0;
  int threads = 1;
#ifdef _OPENMP
#pragma omp parallel
#pragma omp master
  threads = omp_get_num_threads();
#endif
  start();
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 4; ++i) {
      const double begin = now();
      kernels[i].run();
      best[i] = fmin(best[i], now() - begin);
    }
    z = x, y = scalar * z, z = x + y, x = y + scalar * z;
  }
  for (int i = 0; i < 4; ++i)
    fprintf(stderr, "%s: %.0f MB/s\n", kernels[i].name, 1e-6 * kernels[i].arrays * sizeof a / best[i]);
  const int valid = is_all(a, x) && is_all(b, y) && is_all(c, z);
  printf("%d threads: the solution %s\n", threads, valid ? "validates" : "is wrong");
  return !valid;
}
