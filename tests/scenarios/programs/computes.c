// SPDX-License-Identifier: Apache-2.0
// What a program costs while it computes: reads its counters (private call task_counters), computes or does something
// else, reads them again, and prints the difference. accounting.sh knows what it must be.
//
// usage: computes [sleep | map | forever]
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cokernel/liblwk/lwk.h"

enum { count = 1 << 18, rounds = 200 };
static double values[count];

static double compute(int times) {
  double sum = 0;
  for (int round = 0; round < times; ++round)
    for (int i = 0; i < count; ++i) {
      values[i] = values[i] * 0.5 + i;
      sum += values[i];
    }
  return sum;
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  struct lwk_counters before, after;
  double sum = compute(1);
  if (lwk_task_counters(&before) != 0 || lwk_task_counters(&before) != 0) {
    perror("task_counters");
    return 1;
  }
  if (strcmp(what, "sleep") == 0) {
    const struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
  } else if (strcmp(what, "map") == 0) {
    mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  } else if (strcmp(what, "forever") == 0) {
    puts("computing");
    fflush(stdout);
    while (1) sum += compute(rounds);
  }
  sum += compute(rounds);
  if (lwk_task_counters(&after) != 0) return 1;
  printf("faults %lu linux %lu traps %lu host %lu\n",
         after.minor_faults + after.major_faults - before.minor_faults - before.major_faults,
         after.linux_calls - before.linux_calls, after.traps - before.traps, after.host_calls - before.host_calls);
  return sum > 0 ? 0 : 1;
}
