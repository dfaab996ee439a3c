// SPDX-License-Identifier: Apache-2.0
// What goes wrong when a kernel's context switches, page-table changes or timers do: registers of others,
// translations that should be forgotten, threads that never get a turn.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

enum { threads = 4, page = 4096 };

static double series(void) {
  double sum = 0;
  for (int i = 1; i < 20000; ++i) {
    sum += 1.0 / i;
    if (i % 1000 == 0) sched_yield();
  }
  return sum;
}

static void* compute(void* expected) {
  for (int i = 0; i < 10; ++i) CHECK(series() == *(double*)expected);
  return NULL;
}

static void test_floating_point(void) {
  double expected = series();
  pthread_t all[threads];
  for (int i = 0; i < threads; ++i) pthread_create(&all[i], NULL, compute, &expected);
  for (int i = 0; i < threads; ++i) pthread_join(all[i], NULL);
}

static volatile uint64_t* counted;
static atomic_int refused, finished;

static void wait_for_turn(int signal) {
  (void)signal;
  refused = 1;
  while (refused && !finished) sched_yield();
}

static void* count(void* unused) {
  (void)unused;
  while (!finished) ++*counted;
  return NULL;
}

/* Once mprotect has returned, no thread on any CPU writes any more. */
static void test_protection_reaches_all_cpus(void) {
  counted = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct sigaction action = {.sa_handler = wait_for_turn};
  sigaction(SIGSEGV, &action, NULL);
  pthread_t counter;
  pthread_create(&counter, NULL, count, NULL);
  for (int round = 0; round < 100; ++round) {
    const uint64_t start = *counted;
    while (*counted == start) sched_yield();
    CHECK(mprotect((void*)counted, page, PROT_READ) == 0);
    const uint64_t seen = *counted;
    for (int i = 0; i < 100; ++i) CHECK(*counted == seen);
    while (!refused) sched_yield();
    CHECK(*counted == seen);
    CHECK(mprotect((void*)counted, page, PROT_READ | PROT_WRITE) == 0);
    refused = 0;
  }
  finished = 1;
  pthread_join(counter, NULL);
  munmap((void*)counted, page);
  signal(SIGSEGV, SIG_DFL);
}

static void* map_and_unmap(void* seed) {
  uintptr_t random = (uintptr_t)seed;
  for (int i = 0; i < 100; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const size_t size = page << (random >> 60) % 10;
    unsigned char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    for (size_t at = 0; at < size; at += page) {
      CHECK(memory[at] == 0);
      memory[at] = (unsigned char)(uintptr_t)seed;
    }
    for (size_t at = 0; at < size; at += page) CHECK(memory[at] == (unsigned char)(uintptr_t)seed);
    CHECK(munmap(memory, size) == 0);
  }
  return NULL;
}

static void test_mappings(void) {
  pthread_t all[threads];
  for (uintptr_t i = 0; i < threads; ++i) pthread_create(&all[i], NULL, map_and_unmap, (void*)(i + 1));
  for (int i = 0; i < threads; ++i) pthread_join(all[i], NULL);
}

static void test_exchange(void) {
  int there[2], back[2];
  CHECK(pipe(there) == 0 && pipe(back) == 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    while (read(there[0], &byte, 1) == 1 && byte != 0)
      if (write(back[1], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  for (int i = 0; i < 500; ++i) {
    const char sent = (char)(i % 100 + 1);
    char got = 0;
    CHECK(write(there[1], &sent, 1) == 1 && read(back[0], &got, 1) == 1 && got == sent);
  }
  const char end = 0;
  int status = 0;
  CHECK(write(there[1], &end, 1) == 1 && waitpid(child, &status, 0) == child && status == 0);
}

static atomic_int go;
static void* wait_for_go(void* unused) {
  (void)unused;
  while (!go) continue;
  return NULL;
}

/* Two threads on one CPU, one of which never gives it up. */
static void test_turns(void) {
  cpu_set_t all, one;
  CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  CHECK(sched_setaffinity(0, sizeof one, &one) == 0 && sched_getcpu() == 0);
  pthread_t waiter;
  pthread_create(&waiter, NULL, wait_for_go, NULL);
  usleep(20000);
  go = 1;
  pthread_join(waiter, NULL);
  CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
}

static void* keep_gs(void* base) {
  uintptr_t found = 0;
  CHECK(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, base) == 0);
  for (int i = 0; i < 200; ++i) {
    sched_yield();
    CHECK(syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &found) == 0 && found == (uintptr_t)base);
    __asm__ volatile("mov %%gs:0, %0" : "=r"(found));
    CHECK(found == *(uintptr_t*)base);
  }
  return NULL;
}

/* GS is the program's, each thread has its own. */
static void test_gs(void) {
  static uintptr_t values[threads] = {11, 22, 33, 44};
  pthread_t all[threads];
  for (int i = 0; i < threads; ++i) pthread_create(&all[i], NULL, keep_gs, &values[i]);
  for (int i = 0; i < threads; ++i) pthread_join(all[i], NULL);
}

static void test_forks(void) {
  for (int i = 0; i < 10; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(i);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == i);
  }
}

int main(void) {
  test_floating_point();
  test_protection_reaches_all_cpus();
  test_mappings();
  test_exchange();
  test_turns();
  test_gs();
  test_forks();
  return conclude("churn");
}
