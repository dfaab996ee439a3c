// SPDX-License-Identifier: Apache-2.0
// Solves the heat equation's steady state on an n x n grid (the five-point Laplacian) by conjugate gradients, prints
// the residual as it falls, and checks the answer against the solution the right-hand side was made from. Compiled with
// -fopenmp it uses all CPUs it may.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const int default_size = 64;
static const int max_size = 2048;
static const double tolerance = 1e-10;

typedef struct {
  int n;              // points in one direction
  size_t points;      // n * n
} Grid;

// y = A x, with zero outside the grid.
static void apply_laplacian(Grid grid, const double* x, double* y) {
  const size_t n = (size_t)grid.n;
#pragma omp parallel for
  for (size_t row = 0; row < n; ++row) {
    for (size_t column = 0; column < n; ++column) {
      const size_t i = row * n + column;
      double sum = 4.0 * x[i];
      if (row > 0) sum -= x[i - n];
      if (row + 1 < n) sum -= x[i + n];
      if (column > 0) sum -= x[i - 1];
      if (column + 1 < n) sum -= x[i + 1];
      y[i] = sum;
    }
  }
}

static double dot(Grid grid, const double* a, const double* b) {
  double sum = 0;
#pragma omp parallel for reduction(+ : sum)
  for (size_t i = 0; i < grid.points; ++i) sum += a[i] * b[i];
  return sum;
}

// Returns the number of iterations, or -1 if it did not converge. r holds b at first; x is all zero.
static int solve(Grid grid, double* x, double* r, double* p, double* ap) {
#pragma omp parallel for
  for (size_t i = 0; i < grid.points; ++i) p[i] = r[i];
  double rr = dot(grid, r, r);
  const double start = rr;
  for (int iteration = 1; iteration <= 10 * grid.n; ++iteration) {
    apply_laplacian(grid, p, ap);
    const double alpha = rr / dot(grid, p, ap);
#pragma omp parallel for
    for (size_t i = 0; i < grid.points; ++i) {
      x[i] += alpha * p[i];
      r[i] -= alpha * ap[i];
    }
    const double next = dot(grid, r, r);
    if (iteration % 50 == 0) printf("  iteration %4d  residual %.3e\n", iteration, sqrt(next / start));
    if (next <= tolerance * tolerance * start) return iteration;
#pragma omp parallel for
    for (size_t i = 0; i < grid.points; ++i) p[i] = r[i] + next / rr * p[i];
    rr = next;
  }
  return -1;
}

// The solution the right-hand side is made from.
static double solution_at(Grid grid, size_t i) {
  const double row = (double)(i / (size_t)grid.n), column = (double)(i % (size_t)grid.n);
  return sin(0.1 * row) + cos(0.07 * column) + 0.001 * row * column;
}

static double largest_error(Grid grid, const double* x) {
  double worst = 0;
  for (size_t i = 0; i < grid.points; ++i) worst = fmax(worst, fabs(x[i] - solution_at(grid, i)));
  return worst;
}

static double seconds_now(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char** argv) {
  const int n = argc > 1 ? atoi(argv[1]) : default_size;
  if (n < 2 || n > max_size) {
    fprintf(stderr, "Usage: conjugate-gradient [grid size, 2 to %d]\n", max_size);
    return 2;
  }
  const Grid grid = {n, (size_t)n * (size_t)n};
  double* vectors = calloc(4 * grid.points, sizeof *vectors);
  if (vectors == NULL) {
    fprintf(stderr, "conjugate-gradient: not enough memory for a grid of %d x %d\n", n, n);
    return 1;
  }
  double *x = vectors, *r = x + grid.points, *p = r + grid.points, *ap = p + grid.points;
  for (size_t i = 0; i < grid.points; ++i) p[i] = solution_at(grid, i);
  apply_laplacian(grid, p, r);

  printf("conjugate gradients on a %d x %d grid\n", n, n);
  const double start = seconds_now();
  const int iterations = solve(grid, x, r, p, ap);
  const double error = largest_error(grid, x);
  const int verified = iterations > 0 && error < 1e-6;
  printf("%s: %d iterations in %.3f s, largest error %.1e\n", verified ? "VERIFIED" : "WRONG", iterations,
         seconds_now() - start, error);
  free(vectors);
  return verified ? 0 : 1;
}
