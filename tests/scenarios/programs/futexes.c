// SPDX-License-Identifier: Apache-2.0
// futex(2): results and errnos, requeueing, owned (PI) and robust futexes, and a race of all of them.
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static long futex(void* word, int op, uint32_t value, const void* timeout, void* second, uint32_t third) {
  return syscall(SYS_futex, word, op, value, timeout, second, third);
}
static long futex_count(void* word, int op, uint32_t value, long count, void* second, uint32_t third) {
  return syscall(SYS_futex, word, op, value, count, second, third);
}

static uint32_t words[4];
static _Atomic int waiting, woken;

static void test_errors(void) {
  const struct timespec invalid = {0, 1000000000}, negative = {-1, 0}, brief = {0, 1000000}, past = {1, 0};
  char* gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(gone, 4096);
  CHECK_ERRNO(futex((char*)words + 1, FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
  CHECK_ERRNO(futex((char*)words + 2, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
  CHECK_ERRNO(futex(gone, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
  CHECK_ERRNO(futex(NULL, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
  CHECK_ERRNO(futex(words, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
  CHECK_ERRNO(futex(words, FUTEX_WAIT, 1, &invalid, NULL, 0), EINVAL);
  CHECK_ERRNO(futex(words, FUTEX_WAIT, 0, &negative, NULL, 0), EINVAL);
  CHECK_ERRNO(futex(words, FUTEX_WAIT, 0, gone, NULL, 0), EFAULT);
  CHECK_ERRNO(futex(words, FUTEX_WAIT, 0, &brief, NULL, 0), ETIMEDOUT);
  CHECK_ERRNO(futex(words, FUTEX_WAIT_PRIVATE, 0, &brief, NULL, 0), ETIMEDOUT);
  CHECK_ERRNO(futex(words, FUTEX_WAIT_BITSET, 0, &past, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
  const int of_realtime = FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME;
  CHECK_ERRNO(futex(words, of_realtime, 0, &past, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
  CHECK_ERRNO(futex(words, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
  CHECK_ERRNO(futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
  CHECK_ERRNO(futex(words, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0), ENOSYS);
  CHECK_ERRNO(futex(words, 99, 0, NULL, NULL, 0), ENOSYS);
  CHECK_ERRNO(futex_count(words, FUTEX_CMP_REQUEUE, 1, 1, &words[1], 1), EAGAIN);
  CHECK_ERRNO(futex_count(words, FUTEX_CMP_REQUEUE, 1, -1, &words[1], 0), EINVAL);
  CHECK_ERRNO(futex_count(words, FUTEX_REQUEUE, 1, 1, (char*)words + 1, 0), EINVAL);
  CHECK_ERRNO(futex_count(words, FUTEX_WAKE_OP, 1, 1, &words[1], 7u << 28), ENOSYS);
  CHECK(futex(words, FUTEX_WAKE, INT_MAX, NULL, NULL, 0) == 0);
}

static void test_absolute(int realtime) {
  struct timespec before, deadline, after;
  const clockid_t clock = realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC;
  clock_gettime(clock, &before);
  deadline = before;
  deadline.tv_nsec += 30000000;
  if (deadline.tv_nsec >= 1000000000) deadline.tv_nsec -= 1000000000, ++deadline.tv_sec;
  const int op = FUTEX_WAIT_BITSET | (realtime ? FUTEX_CLOCK_REALTIME : 0);
  CHECK_ERRNO(futex(words, op, 0, &deadline, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
  clock_gettime(clock, &after);
  CHECK(after.tv_sec > deadline.tv_sec || (after.tv_sec == deadline.tv_sec && after.tv_nsec >= deadline.tv_nsec));
}

static void* wait_with_bits(void* bits) {
  ++waiting;
  const long result = futex(words, FUTEX_WAIT_BITSET, 0, NULL, NULL, (uint32_t)(uintptr_t)bits);
  ++woken;
  return (void*)result;
}

/* Wakes until one was there to be woken: a thread says that it waits a moment before it does. */
static void wake_one(uint32_t bits) {
  while (futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, bits) == 0) sched_yield();
}

static void test_bits(void) {
  pthread_t first, second;
  woken = 0;
  pthread_create(&first, NULL, wait_with_bits, (void*)1);
  pthread_create(&second, NULL, wait_with_bits, (void*)2);
  wake_one(2);
  pthread_join(second, NULL);
  CHECK(woken == 1);
  CHECK(futex(words, FUTEX_WAKE_BITSET, INT_MAX, NULL, NULL, 4) == 0);
  wake_one(1);
  pthread_join(first, NULL);
  CHECK(woken == 2);
}

static void* wait_plainly(void* unused) {
  (void)unused;
  long result = futex(words, FUTEX_WAIT, 0, NULL, NULL, 0);
  ++woken;
  return (void*)result;
}

/* One that waits on the first word is moved to the second, and woken there. */
static void test_requeue(int op) {
  enum { count = 4 };
  pthread_t ids[count];
  woken = 0;
  for (int i = 0; i < count; ++i) pthread_create(&ids[i], NULL, wait_plainly, NULL);
  int moved = 0;
  while (moved < count) {
    const long now = futex_count(words, op, 0, INT_MAX, &words[1], 0);
    CHECK(now >= 0);
    moved += (int)now;
    sched_yield();
  }
  CHECK(woken == 0);
  CHECK(futex(words, FUTEX_WAKE, INT_MAX, NULL, NULL, 0) == 0);
  CHECK(futex_count(&words[1], FUTEX_REQUEUE, 0, INT_MAX, &words[1], 0) == count);  // onto itself
  CHECK(futex(&words[1], FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
  CHECK(futex(&words[1], FUTEX_WAKE, INT_MAX, NULL, NULL, 0) == count - 1);
  for (int i = 0; i < count; ++i) pthread_join(ids[i], NULL);
}

static void test_wake_op(void) {
  words[1] = 5;
  CHECK(futex_count(words, FUTEX_WAKE_OP, 1, 1, &words[1], FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)) == 0);
  CHECK(words[1] == 8);
  CHECK(futex_count(words, FUTEX_WAKE_OP, 1, 1, &words[1], FUTEX_OP(FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_GT, 0)) == 0);
  CHECK(words[1] == 7);  // the operand is signed
  const uint32_t clear_bit_1 = (uint32_t)FUTEX_OP((FUTEX_OP_ANDN | FUTEX_OP_OPARG_SHIFT), 1, FUTEX_OP_CMP_LE, 0);
  CHECK(futex_count(words, FUTEX_WAKE_OP, 1, 1, &words[1], clear_bit_1) == 0);
  CHECK(words[1] == 5);
  CHECK(futex_count(words, FUTEX_WAKE_OP, 1, 1, &words[1], FUTEX_OP(FUTEX_OP_XOR, 1, FUTEX_OP_CMP_GE, 0)) == 0);
  CHECK(words[1] == 4);
  CHECK(futex_count(words, FUTEX_WAKE_OP, 1, 1, &words[1], FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_NE, 0)) == 0);
  CHECK(words[1] == 0);
}

static uint32_t owned;
static void* lock_and_unlock(void* unused) {
  CHECK_ERRNO(futex(&owned, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
  CHECK_ERRNO(futex(&owned, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
  const struct timespec past = {1, 0};
  CHECK_ERRNO(futex(&owned, FUTEX_LOCK_PI, 0, &past, NULL, 0), ETIMEDOUT);
  CHECK_ERRNO(futex(&owned, FUTEX_LOCK_PI2, 0, &past, NULL, 0), ETIMEDOUT);
  ++waiting;
  CHECK(futex(&owned, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
  CHECK((owned & FUTEX_TID_MASK) == (uint32_t)gettid());
  CHECK(futex(&owned, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
  return unused;
}

static void test_owned(void) {
  pthread_t other;
  waiting = 0;
  CHECK(futex(&owned, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
  CHECK(owned == (uint32_t)gettid());
  CHECK_ERRNO(futex(&owned, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
  pthread_create(&other, NULL, lock_and_unlock, NULL);
  while (waiting == 0 || (__atomic_load_n(&owned, __ATOMIC_SEQ_CST) & FUTEX_WAITERS) == 0) sched_yield();
  CHECK(futex(&owned, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
  pthread_join(other, NULL);
  CHECK((owned & FUTEX_TID_MASK) == 0);
  owned = 0;
  CHECK_ERRNO(futex(&owned, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
  owned = 0x3ffffff0;  // nobody's
  CHECK_ERRNO(futex(&owned, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
  owned = 0;
}

/* A condition whose waiters get an owned lock: they wait for `condition`, and come back with `owned`. */
static uint32_t condition;
static _Atomic int got_lock;

static void* wait_for_condition(void* unused) {
  ++waiting;
  CHECK(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &owned, 0) == 0);
  CHECK((owned & FUTEX_TID_MASK) == (uint32_t)gettid());
  ++got_lock;
  CHECK(futex(&owned, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
  return unused;
}

static void* wait_as_usual(void* unused) {
  CHECK(futex(&condition, FUTEX_WAIT, 0, NULL, NULL, 0) == 0);
  return unused;
}

static void* end_with_lock(void* unused) {
  CHECK(futex(&owned, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
  ++waiting;
  while (got_lock == 0) sched_yield();
  return unused;
}

/* Moves all of `count` threads, however long they take to fall asleep. */
static void requeue_all(int count) {
  for (int moved = 0; moved < count;) {
    const long now = futex_count(&condition, FUTEX_CMP_REQUEUE_PI, 1, INT_MAX, &owned, 0);
    CHECK(now >= 0);
    moved += now > 0 ? (int)now : 0;
    sched_yield();
  }
}

static void test_requeue_owned(void) {
  enum { most = 5 };
  const struct timespec past = {1, 0};
  pthread_t threads[most];
  condition = owned = 0;
  CHECK_ERRNO(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 1, NULL, &owned, 0), EAGAIN);
  CHECK_ERRNO(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, &past, &owned, 0), ETIMEDOUT);
  CHECK_ERRNO(futex(&condition, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 0, &past, &owned, 0), ETIMEDOUT);
  CHECK_ERRNO(futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &condition, 0), EINVAL);
  CHECK_ERRNO(futex_count(&condition, FUTEX_CMP_REQUEUE_PI, 2, 1, &owned, 0), EINVAL);
  CHECK_ERRNO(futex_count(&condition, FUTEX_CMP_REQUEUE_PI, 1, 1, &condition, 0), EINVAL);
  CHECK_ERRNO(futex_count(&condition, FUTEX_CMP_REQUEUE_PI, 1, 1, &owned, 7), EAGAIN);
  CHECK(futex_count(&condition, FUTEX_CMP_REQUEUE_PI, 1, 1, &owned, 0) == 0);

  // A free lock goes to the first at once; one that is held, to all in turn.
  for (int held = 0; held < 2; ++held) {
    got_lock = waiting = 0;
    if (held) CHECK(futex(&owned, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0);
    for (int i = 0; i < most; ++i) pthread_create(&threads[i], NULL, wait_for_condition, NULL);
    requeue_all(most);
    if (held) {
      CHECK(got_lock == 0 && owned == ((uint32_t)gettid() | FUTEX_WAITERS));
      CHECK(futex(&owned, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0);
    }
    for (int i = 0; i < most; ++i) pthread_join(threads[i], NULL);
    CHECK(got_lock == most && (owned & FUTEX_TID_MASK) == 0);
    owned = 0;
  }

  // Neither kind of waiter is woken as the other.
  waiting = 0;
  pthread_create(&threads[0], NULL, wait_for_condition, NULL);
  long result = 0;
  while ((result = futex(&condition, FUTEX_WAKE, 1, NULL, NULL, 0)) == 0) sched_yield();
  CHECK(result == -1 && errno == EINVAL);
  CHECK_ERRNO(futex_count(&condition, FUTEX_REQUEUE, 0, 1, &words[0], 0), EINVAL);
  CHECK_ERRNO(futex_count(&condition, FUTEX_CMP_REQUEUE_PI, 1, 1, &words[0], 0), EINVAL);
  requeue_all(1);
  pthread_join(threads[0], NULL);
  owned = 0;
  pthread_create(&threads[0], NULL, wait_as_usual, NULL);
  while ((result = futex_count(&condition, FUTEX_CMP_REQUEUE_PI, 1, 1, &owned, 0)) == 0) sched_yield();
  CHECK(result == -1 && errno == EINVAL);
  CHECK(futex(&condition, FUTEX_WAKE, 1, NULL, NULL, 0) == 1);
  pthread_join(threads[0], NULL);

  // An owner that ends leaves it to whoever was moved there.
  got_lock = waiting = 0;
  pthread_create(&threads[0], NULL, end_with_lock, NULL);
  while (waiting == 0) sched_yield();
  pthread_create(&threads[1], NULL, wait_for_condition, NULL);
  requeue_all(1);
  got_lock = 1;
  pthread_join(threads[0], NULL);
  pthread_join(threads[1], NULL);
  CHECK(got_lock == 2);
  owned = 0x3ffffff0;  // nobody's
  pthread_create(&threads[0], NULL, wait_for_condition, NULL);
  while ((result = futex_count(&condition, FUTEX_CMP_REQUEUE_PI, 1, 1, &owned, 0)) == 0) sched_yield();
  CHECK(result == -1 && errno == ESRCH);
  owned = 0;
  requeue_all(1);
  pthread_join(threads[0], NULL);
  owned = 0;
}

static void make_mutex(pthread_mutex_t* mutex, int protocol, int shared) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setprotocol(&attributes, protocol);
  pthread_mutexattr_setpshared(&attributes, shared);
  CHECK(pthread_mutex_init(mutex, &attributes) == 0);
}

static void* lock_then_die(void* mutex) {
  CHECK(pthread_mutex_lock(mutex) == 0);
  ++waiting;
  while (woken == 0) sched_yield();
  return NULL;
}

static void* wait_for_dead(void* mutex) {
  ++waiting;
  const int result = pthread_mutex_lock(mutex);
  if (result == EOWNERDEAD) pthread_mutex_consistent(mutex);
  pthread_mutex_unlock(mutex);
  return (void*)(long)result;
}

/* A thread dies with a mutex that others wait for: exactly one hears of it. */
static void test_dead_thread(int protocol) {
  enum { count = 4 };
  pthread_mutex_t mutex;
  pthread_t holder, waiters[count];
  make_mutex(&mutex, protocol, PTHREAD_PROCESS_PRIVATE);
  waiting = woken = 0;
  pthread_create(&holder, NULL, lock_then_die, &mutex);
  while (waiting == 0) sched_yield();
  for (int i = 0; i < count; ++i) pthread_create(&waiters[i], NULL, wait_for_dead, &mutex);
  while (waiting <= count) sched_yield();
  woken = 1;
  pthread_join(holder, NULL);
  int told = 0;
  for (int i = 0; i < count; ++i) {
    void* result = NULL;
    pthread_join(waiters[i], &result);
    told += (long)result == EOWNERDEAD;
    CHECK((long)result == EOWNERDEAD || result == NULL);
  }
  CHECK(told == 1);
}

/* The same of processes, one of which is killed. */
static void test_dead_process(int protocol) {
  struct shared {
    pthread_mutex_t mutex;
    _Atomic int locked;
  }* shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  make_mutex(&shared->mutex, protocol, PTHREAD_PROCESS_SHARED);
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(&shared->mutex);
    shared->locked = 1;
    for (;;) pause();
  }
  while (!shared->locked) sched_yield();
  const pid_t waiter = fork();
  if (waiter == 0) _exit(pthread_mutex_lock(&shared->mutex) == EOWNERDEAD ? 3 : 4);  // dies with it, too
  int status = 0;
  kill(child, SIGKILL);
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
  CHECK(waitpid(waiter, &status, 0) == waiter && WEXITSTATUS(status) == 3);
  CHECK(pthread_mutex_lock(&shared->mutex) == EOWNERDEAD);
  CHECK(pthread_mutex_consistent(&shared->mutex) == 0);
  CHECK(pthread_mutex_unlock(&shared->mutex) == 0);
  munmap(shared, sizeof *shared);
}

static pthread_mutex_t busy;
static long turns;
static void* take_turns(void* rounds) {
  for (long i = 0; i < (long)rounds; ++i) {
    const int result = pthread_mutex_lock(&busy);
    if (result == EOWNERDEAD) pthread_mutex_consistent(&busy);
    ++turns;
    if (i % 64 == 63) sched_yield();
    if (i + 1 < (long)rounds) pthread_mutex_unlock(&busy);  // the last time it dies with it
  }
  return NULL;
}

static void test_race(int protocol) {
  enum { count = 4, generations = 25, rounds = 100 };
  make_mutex(&busy, protocol, PTHREAD_PROCESS_PRIVATE);
  turns = 0;
  for (int generation = 0; generation < generations; ++generation) {
    pthread_t ids[count];
    for (int i = 0; i < count; ++i) CHECK(pthread_create(&ids[i], NULL, take_turns, (void*)(long)rounds) == 0);
    for (int i = 0; i < count; ++i) pthread_join(ids[i], NULL);
  }
  CHECK(turns == (long)count * generations * rounds);
}

static void test_robust_list(void) {
  struct robust_list_head* head = NULL;
  size_t size = 0;
  CHECK(syscall(SYS_get_robust_list, 0, &head, &size) == 0 && head != NULL && size == sizeof *head);
  CHECK_ERRNO(syscall(SYS_get_robust_list, 0x3ffffff, &head, &size), ESRCH);
  CHECK_ERRNO(syscall(SYS_get_robust_list, 0, &head, NULL), EFAULT);
  CHECK_ERRNO(syscall(SYS_set_robust_list, head, sizeof *head + 1), EINVAL);
}

int main(void) {
  test_errors();
  test_absolute(0);
  test_absolute(1);
  test_bits();
  test_requeue(FUTEX_REQUEUE);
  test_requeue(FUTEX_CMP_REQUEUE);
  test_wake_op();
  test_owned();
  test_requeue_owned();
  test_robust_list();
  const int protocols[] = {PTHREAD_PRIO_NONE, PTHREAD_PRIO_INHERIT};
  for (int i = 0; i < 2; ++i) {
    test_dead_thread(protocols[i]);
    test_dead_process(protocols[i]);
    test_race(protocols[i]);
  }
  return conclude("futexes");
}
