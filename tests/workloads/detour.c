// SPDX-License-Identifier: Apache-2.0
// detour [milliseconds]: the selfish-detour benchmark: a loop that only reads the time-stamp counter; each time it was away for
// much longer than one turn takes, somebody else had its CPU. Prints "<when, s> <how long, µs>" for each, then the usual line.
#include <stdint.h>
#include <x86intrin.h>

#include "tests/workloads/timed.h"

enum { most = 100000, turns_of_detour = 10 };

static struct {
  uint64_t when, length;
} detours[most];

static int compare(const void* a, const void* b) {
  const uint64_t x = *(const uint64_t*)a, y = *(const uint64_t*)b;
  return (x > y) - (x < y);
}

static uint64_t usual_turn(void) {
  enum { count = 10001 };
  static uint64_t turns[count];
  uint64_t last = __rdtsc();
  for (int i = 0; i < count; ++i) {
    const uint64_t now = __rdtsc();
    turns[i] = now - last;
    last = now;
  }
  qsort(turns, count, sizeof *turns, compare);
  return turns[count / 2];
}

int main(int argc, char** argv) {
  const double seconds = (double)argument(argc, argv, 1000, 600000) / 1000;
  const uint64_t limit = turns_of_detour * usual_turn();
  for (int i = 0; i < most; ++i) detours[i].when = 0;  // its pages are there
  const struct timed part = begin_timed();
  const uint64_t start = __rdtsc();
  const double start_seconds = seconds_now();
  long count = 0;
  uint64_t last = start;
  while (seconds_now() - start_seconds < seconds && count < most) {
    for (int i = 0; i < 10000 && count < most; ++i) {
      const uint64_t now = __rdtsc();
      if (now - last > limit) {
        detours[count].when = last - start;
        detours[count++].length = now - last;
      }
      last = now;
    }
    last = __rdtsc();  // asking for the time is no detour
  }
  const struct timed took = end_timed(part);
  const double ticks = (double)(last - start) / took.start;
  for (long i = 0; i < count; ++i)
    printf("%.6f %.3f\n", (double)detours[i].when / ticks, (double)detours[i].length / ticks * 1e6);
  return report("detour", last > start, took);
}
