// SPDX-License-Identifier: Apache-2.0
// How every workload ends: one line, "<name> verified <seconds> s <faults> faults" of its timed part, or a sentence and
// status 1.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct timed {
  double start;
  long faults;
};

static inline double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline long faults_now(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

static inline struct timed begin_timed(void) {
  (void)seconds_now();  // the clock's own pages are there afterwards
  struct timed part = {0, faults_now()};
  part.start = seconds_now();
  return part;
}

/* What it took, before the result is looked at. */
static inline struct timed end_timed(struct timed part) {
  part.start = seconds_now() - part.start;
  part.faults = faults_now() - part.faults;
  return part;
}

static inline int report(const char* name, int is_right, struct timed part) {
  if (!is_right) {
    printf("%s: the result is wrong\n", name);
    return 1;
  }
  printf("%s verified %.6f s %ld faults\n", name, part.start, part.faults);
  return 0;
}

static inline void* allocate(size_t size) {
  void* memory = malloc(size);
  if (memory != NULL) return memory;
  printf("no memory for %zu bytes\n", size);
  exit(1);
}

/* The first argument, or what is usual; 1 .. most. */
static inline long argument(int argc, char** argv, long usual, long most) {
  if (argc < 2) return usual;
  char* end;
  const long value = strtol(argv[1], &end, 10);
  if (*end == 0 && value >= 1 && value <= most) return value;
  printf("'%s': must be a number from 1 to %ld\n", argv[1], most);
  exit(2);
}
