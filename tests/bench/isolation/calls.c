// SPDX-License-Identifier: Apache-2.0
// calls: nanoseconds of getpid, which a co-kernel serves itself, and of lseek in a file of the host's, which Linux
// serves for it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* As many as fit into a fifth of a second: under load one may take milliseconds. */
static double mean_of(long number, long first) {
  enum { at_once = 100 };
  const double start = now();
  long calls = 0;
  double took = 0;
  while (took < 2e8) {
    for (int i = 0; i < at_once; ++i) (void)syscall(number, first, 0, SEEK_SET);
    calls += at_once;
    took = now() - start;
  }
  return took / (double)calls;
}

int main(int argc, char** argv) {
  const int file = open(argv[0], O_RDONLY);
  if (argc != 1 || file < 0) return 1;
  printf("getpid %.2f\n", mean_of(SYS_getpid, 0));
  printf("lseek %.2f\n", mean_of(SYS_lseek, file));
  return 0;
}
