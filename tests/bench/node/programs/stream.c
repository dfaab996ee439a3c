// SPDX-License-Identifier: Apache-2.0
// stream copy | scale | add | triad: STREAM's kernels over arrays larger than most caches, by as many threads as
// there are CPUs.
#include <stdlib.h>
#include <string.h>

#include "tests/bench/node/programs/serve.h"

enum { array_length = 8 << 20 };  // arrays of 64 MiB

static const double scalar = 3;
static double *a, *b, *c;

// Somebody might look at the result.
static void keep(const double* array) { __asm__ volatile("" : : "r"(array) : "memory"); }

static void copy(void) {
#pragma omp parallel for
  for (long i = 0; i < array_length; ++i) c[i] = a[i];
  keep(c);
}
static void scale(void) {
#pragma omp parallel for
  for (long i = 0; i < array_length; ++i) b[i] = scalar * c[i];
  keep(b);
}
static void add(void) {
#pragma omp parallel for
  for (long i = 0; i < array_length; ++i) c[i] = a[i] + b[i];
  keep(c);
}
static void triad(void) {
#pragma omp parallel for
  for (long i = 0; i < array_length; ++i) a[i] = b[i] + scalar * c[i];
  keep(a);
}

// Each thread touches what it will work on.
static double* make_array(double value) {
  double* array = malloc(array_length * sizeof *array);
  if (array == NULL) exit(1);
#pragma omp parallel for
  for (long i = 0; i < array_length; ++i) array[i] = value;
  return array;
}

static void (*kernel)(void);

static void run_kernel(uint64_t times) {
  for (; times > 0; --times) kernel();
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } kernels[] = {{"copy", copy}, {"scale", scale}, {"add", add}, {"triad", triad}};
  for (size_t i = 0; argc == 2 && i < sizeof kernels / sizeof *kernels; ++i) {
    if (strcmp(argv[1], kernels[i].name) == 0) kernel = kernels[i].run;
  }
  if (kernel == NULL) return 2;
  a = make_array(1);
  b = make_array(2);
  c = make_array(0);
  return serve(run_kernel);
}
