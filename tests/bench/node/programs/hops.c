// SPDX-License-Identifier: Apache-2.0
// hops CPU: a word to a thread on that CPU and a word back, each on a cache line of its own: what two CPUs need at
// least to tell each other something.
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/node/programs/serve.h"

static alignas(64) _Atomic uint64_t there;
static alignas(64) _Atomic uint64_t back;
static cpu_set_t echo_cpu;

static void* echo(void* times) {
  for (uint64_t count = 0, end = *(uint64_t*)times; count != end;) {
    const uint64_t now = atomic_load_explicit(&there, memory_order_acquire);
    if (now != count) atomic_store_explicit(&back, count = now, memory_order_release);
  }
  return NULL;
}

static void hop(uint64_t times) {
  atomic_store(&there, 0);
  atomic_store(&back, 0);
  pthread_attr_t attributes;
  pthread_t thread;
  if (pthread_attr_init(&attributes) != 0 ||
      pthread_attr_setaffinity_np(&attributes, sizeof echo_cpu, &echo_cpu) != 0 ||
      pthread_create(&thread, &attributes, echo, &times) != 0) {
    fprintf(stderr, "hops: no thread on that CPU\n");
    exit(1);
  }
  for (uint64_t count = 1; count <= times; ++count) {
    atomic_store_explicit(&there, count, memory_order_release);
    while (atomic_load_explicit(&back, memory_order_acquire) != count) _mm_pause();
  }
  pthread_join(thread, NULL);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  CPU_ZERO(&echo_cpu);
  CPU_SET(atoi(argv[1]), &echo_cpu);
  return serve(hop);
}
