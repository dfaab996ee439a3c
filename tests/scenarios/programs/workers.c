// SPDX-License-Identifier: Apache-2.0
// workers MIB [SECONDS]: four threads that keep writing a pattern to their share of so much memory and reading it again,
// for so long, or until SIGTERM; then they say when they are at it. Fails at the first byte that is not what was written.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { threads = 4 };

static volatile sig_atomic_t over;
static uint64_t* memory;
static size_t words_each;

static void stop(int signal) {
  (void)signal;
  over = 1;
}

static void* work(void* argument) {
  uint64_t* mine = memory + (size_t)argument * words_each;
  for (uint64_t round = (uint64_t)argument + 1; !over; ++round) {
    for (size_t i = 0; i < words_each; ++i) mine[i] = i * round;
    for (size_t i = 0; i < words_each; ++i) {
      if (mine[i] == i * round) continue;
      fprintf(stderr, "word %zu has changed\n", i);
      exit(1);
    }
  }
  return NULL;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const size_t size = strtoul(argv[1], NULL, 10) << 20;
  words_each = size / threads / sizeof *memory;
  memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("mmap");
    return 1;
  }
  signal(SIGTERM, stop);
  pthread_t worker[threads];
  for (size_t i = 0; i < threads; ++i) {
    const int error = pthread_create(&worker[i], NULL, work, (void*)i);
    if (error != 0) {
      fprintf(stderr, "thread %zu: %s\n", i, strerror(error));
      return 1;
    }
  }
  if (argc == 2) {
    puts("at work");
    fflush(stdout);
  } else {
    sleep((unsigned)strtoul(argv[2], NULL, 10));
    over = 1;
  }
  for (int i = 0; i < threads; ++i) pthread_join(worker[i], NULL);
  puts("all as written");
  return 0;
}
