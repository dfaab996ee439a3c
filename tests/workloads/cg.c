// SPDX-License-Identifier: Apache-2.0
// cg [n]: conjugate gradients as HPCG has them: the 27-point stencil on an n x n x n grid as a sparse matrix, preconditioned by
// a symmetric Gauss-Seidel sweep. The right-hand side is made so that the answer is 1 everywhere.
#include <math.h>
#include <stdint.h>

#include "tests/workloads/timed.h"

enum { most_entries = 27, iterations = 60 };

static long n, rows;
static double* values;    // of row i: from i * most_entries on
static int32_t* columns;
static int* counts;

static double* vector(void) { return allocate((size_t)rows * sizeof(double)); }

static void add_row(long x, long y, long z) {
  const long row = (z * n + y) * n + x;
  int count = 0;
  for (long dz = -1; dz <= 1; ++dz)
    for (long dy = -1; dy <= 1; ++dy)
      for (long dx = -1; dx <= 1; ++dx) {
        const long i = x + dx, j = y + dy, k = z + dz;
        if (i < 0 || j < 0 || k < 0 || i >= n || j >= n || k >= n) continue;
        const long column = (k * n + j) * n + i;
        values[row * most_entries + count] = column == row ? 26 : -1;
        columns[row * most_entries + count++] = (int32_t)column;
      }
  counts[row] = count;
}

static void multiply(const double* x, double* y) {
  for (long row = 0; row < rows; ++row) {
    double sum = 0;
    for (int k = 0; k < counts[row]; ++k) sum += values[row * most_entries + k] * x[columns[row * most_entries + k]];
    y[row] = sum;
  }
}

static void relax(long row, const double* r, double* z) {
  double sum = r[row];
  for (int k = 0; k < counts[row]; ++k) {
    const int32_t column = columns[row * most_entries + k];
    if (column != row) sum -= values[row * most_entries + k] * z[column];
  }
  z[row] = sum / 26;
}

static void precondition(const double* r, double* z) {
  for (long row = 0; row < rows; ++row) z[row] = 0;
  for (long row = 0; row < rows; ++row) relax(row, r, z);
  for (long row = rows - 1; row >= 0; --row) relax(row, r, z);
}

static double dot(const double* x, const double* y) {
  double sum = 0;
  for (long i = 0; i < rows; ++i) sum += x[i] * y[i];
  return sum;
}

static void solve(const double* b, double* x) {
  double *r = vector(), *z = vector(), *p = vector(), *q = vector();
  for (long i = 0; i < rows; ++i) {
    x[i] = 0;
    r[i] = b[i];
  }
  precondition(r, z);
  for (long i = 0; i < rows; ++i) p[i] = z[i];
  double rz = dot(r, z);
  for (int iteration = 0; iteration < iterations; ++iteration) {
    multiply(p, q);
    const double alpha = rz / dot(p, q);
    for (long i = 0; i < rows; ++i) {
      x[i] += alpha * p[i];
      r[i] -= alpha * q[i];
    }
    precondition(r, z);
    const double next = dot(r, z), beta = next / rz;
    rz = next;
    for (long i = 0; i < rows; ++i) p[i] = z[i] + beta * p[i];
  }
  free(r);
  free(z);
  free(p);
  free(q);
}

int main(int argc, char** argv) {
  n = argument(argc, argv, 40, 400);
  rows = n * n * n;
  values = allocate((size_t)rows * most_entries * sizeof *values);
  columns = allocate((size_t)rows * most_entries * sizeof *columns);
  counts = allocate((size_t)rows * sizeof *counts);
  for (long z = 0; z < n; ++z)
    for (long y = 0; y < n; ++y)
      for (long x = 0; x < n; ++x) add_row(x, y, z);
  double *ones = vector(), *b = vector(), *x = vector();
  for (long i = 0; i < rows; ++i) ones[i] = 1;
  multiply(ones, b);
  const struct timed part = begin_timed();
  solve(b, x);
  const struct timed took = end_timed(part);
  double worst = 0;
  for (long i = 0; i < rows; ++i) worst = fmax(worst, fabs(x[i] - 1));
  return report("cg", worst < 1e-6, took);
}
