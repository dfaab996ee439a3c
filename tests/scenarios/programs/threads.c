// SPDX-License-Identifier: Apache-2.0
// Threads: create, join, thread-local data, mutexes, condition variables with timeouts, robust mutexes.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

enum { threads = 8, rounds = 20000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter;
static __thread long mine;
static int turn;

static void* count(void* argument) {
  for (int i = 0; i < rounds; ++i) {
    pthread_mutex_lock(&mutex);
    ++counter;
    pthread_mutex_unlock(&mutex);
    ++mine;
  }
  return (void*)(mine + (long)argument);
}

static void* take_turns(void* argument) {
  const int me = (int)(long)argument;
  for (int i = 0; i < 500; ++i) {
    pthread_mutex_lock(&mutex);
    while (turn != me) pthread_cond_wait(&changed, &mutex);
    turn = !me;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

static void test_counting(void) {
  pthread_t ids[threads];
  for (long i = 0; i < threads; ++i) CHECK(pthread_create(&ids[i], NULL, count, (void*)i) == 0);
  for (long i = 0; i < threads; ++i) {
    void* result = NULL;
    CHECK(pthread_join(ids[i], &result) == 0);
    CHECK((long)result == rounds + i);
  }
  CHECK(counter == (long)threads * rounds);
}

static void test_turns(void) {
  pthread_t ids[2];
  for (long i = 0; i < 2; ++i) CHECK(pthread_create(&ids[i], NULL, take_turns, (void*)i) == 0);
  for (int i = 0; i < 2; ++i) CHECK(pthread_join(ids[i], NULL) == 0);
}

static void test_timeout(void) {
  struct timespec start, end;
  clock_gettime(CLOCK_REALTIME, &start);
  struct timespec deadline = start;
  deadline.tv_nsec += 20000000;
  if (deadline.tv_nsec >= 1000000000) deadline.tv_nsec -= 1000000000, ++deadline.tv_sec;
  pthread_mutex_lock(&mutex);
  CHECK(pthread_cond_timedwait(&changed, &mutex, &deadline) == ETIMEDOUT);
  pthread_mutex_unlock(&mutex);
  clock_gettime(CLOCK_REALTIME, &end);
  CHECK((end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec >= 20000000);
}

static pthread_mutex_t robust;
static void* die_holding(void* unused) {
  pthread_mutex_lock(&robust);
  return unused;
}

static void test_robust(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attributes);
  pthread_t id;
  CHECK(pthread_create(&id, NULL, die_holding, NULL) == 0);
  CHECK(pthread_join(id, NULL) == 0);
  CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
  CHECK(pthread_mutex_consistent(&robust) == 0);
  CHECK(pthread_mutex_unlock(&robust) == 0);
}

static void* spin(void* unused) {
  for (;;) (void)*(volatile int*)&turn;
  return unused;
}

int main(void) {
  test_counting();
  test_turns();
  test_timeout();
  test_robust();
  for (int i = 0; i < 200; ++i) {
    pthread_t id;
    CHECK(pthread_create(&id, NULL, count, NULL) == 0);
    if (i % 2) CHECK(pthread_join(id, NULL) == 0);
    else CHECK(pthread_detach(id) == 0);
  }
  // exit() ends threads that never look up.
  pthread_t id;
  CHECK(pthread_create(&id, NULL, spin, NULL) == 0);
  return conclude("threads");
}
