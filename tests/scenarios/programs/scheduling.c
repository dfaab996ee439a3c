// SPDX-License-Identifier: Apache-2.0
// Policies, priorities, affinity, CPUs, barriers: sched_*, getpriority, ioprio_*, getcpu, membarrier; as root and not.
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

struct attributes {  // struct sched_attr
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

static void test_limits_of_priorities(void) {
  CHECK(sched_get_priority_min(SCHED_FIFO) == 1 && sched_get_priority_max(SCHED_FIFO) == 99);
  CHECK(sched_get_priority_min(SCHED_RR) == 1 && sched_get_priority_max(SCHED_RR) == 99);
  CHECK(sched_get_priority_min(SCHED_OTHER) == 0 && sched_get_priority_max(SCHED_OTHER) == 0);
  CHECK(sched_get_priority_min(SCHED_BATCH) == 0 && sched_get_priority_max(SCHED_IDLE) == 0);
  CHECK(sched_get_priority_max(SCHED_DEADLINE) == 0);
  CHECK_ERRNO(sched_get_priority_max(4), EINVAL);
  CHECK_ERRNO(sched_get_priority_min(-1), EINVAL);
}

static void test_policies(void) {
  struct sched_param parameters = {0}, wrong = {1}, too_high = {100};
  CHECK(sched_getscheduler(0) == SCHED_OTHER);
  CHECK(sched_getparam(0, &parameters) == 0 && parameters.sched_priority == 0);
  CHECK(sched_setscheduler(0, SCHED_BATCH, &parameters) == 0 && sched_getscheduler(0) == SCHED_BATCH);
  CHECK(sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &parameters) == 0);
  CHECK(sched_getscheduler(0) == (SCHED_IDLE | SCHED_RESET_ON_FORK));
  // Back from idle is up, which takes a privilege.
  if (geteuid() == 0) CHECK(sched_setscheduler(0, SCHED_OTHER, &parameters) == 0 && sched_getscheduler(0) == SCHED_OTHER);
  else CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, &parameters), EPERM);
  CHECK(sched_setparam(0, &parameters) == 0);
  CHECK_ERRNO(sched_setparam(0, &wrong), EINVAL);
  CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, &wrong), EINVAL);
  CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, &parameters), EINVAL);
  CHECK_ERRNO(sched_setscheduler(0, SCHED_RR, &too_high), EINVAL);
  CHECK_ERRNO(sched_setscheduler(0, 77, &parameters), EINVAL);
  CHECK_ERRNO(sched_setscheduler(-1, SCHED_OTHER, &parameters), EINVAL);
  CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, NULL), EINVAL);
  CHECK_ERRNO(sched_setscheduler(0, SCHED_OTHER, (void*)8), EFAULT);
  CHECK_ERRNO(sched_setscheduler(0x3ffffff, SCHED_OTHER, &parameters), ESRCH);
  CHECK_ERRNO(sched_getscheduler(0x3ffffff), ESRCH);
  CHECK_ERRNO(sched_getscheduler(-1), EINVAL);
  CHECK_ERRNO(sched_getparam(0, NULL), EINVAL);
  struct timespec turn;
  CHECK(sched_rr_get_interval(0, &turn) == 0);
  CHECK_ERRNO(sched_rr_get_interval(-1, &turn), EINVAL);
  CHECK_ERRNO(sched_rr_get_interval(0x3ffffff, &turn), ESRCH);
}

static void test_attributes(void) {
  struct attributes attributes = {0};
  CHECK(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0);
  CHECK(attributes.size == sizeof attributes && attributes.policy == SCHED_OTHER);
  CHECK(attributes.nice == getpriority(PRIO_PROCESS, 0));
  attributes.nice = 13;
  CHECK(syscall(SYS_sched_setattr, 0, &attributes, 0) == 0 && getpriority(PRIO_PROCESS, 0) == 13);
  CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &attributes, 12, 0), EINVAL);
  CHECK_ERRNO(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 1), EINVAL);
  CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 1), EINVAL);
  CHECK_ERRNO(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
  attributes.size = 20;
  CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 0), E2BIG);
  attributes.size = sizeof attributes;
  attributes.policy = 99;
  CHECK_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 0), EINVAL);
}

static void test_nice(void) {
  CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0 && getpriority(PRIO_PROCESS, 0) == 5);
  CHECK(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19);
  errno = 0;
  CHECK(getpriority(PRIO_PGRP, 0) <= 19 && errno == 0);
  CHECK_ERRNO(getpriority(9, 0), EINVAL);
  CHECK_ERRNO(setpriority(9, 0, 0), EINVAL);
  CHECK_ERRNO(getpriority(PRIO_PROCESS, 0x3ffffff), ESRCH);
  CHECK_ERRNO(setpriority(PRIO_PROCESS, 0x3ffffff, 0), ESRCH);
}

static void test_io_priority(void) {
  enum { of_process = 1, best_effort = 2 << 13 };
  CHECK(syscall(SYS_ioprio_set, of_process, 0, best_effort | 5) == 0);
  CHECK(syscall(SYS_ioprio_get, of_process, 0) == (best_effort | 5));
  CHECK_ERRNO(syscall(SYS_ioprio_set, of_process, 0, 5), EINVAL);
  CHECK_ERRNO(syscall(SYS_ioprio_set, 9, 0, best_effort), EINVAL);
  CHECK_ERRNO(syscall(SYS_ioprio_get, of_process, 0x3ffffff), ESRCH);
}

/* Pinned to each CPU in turn, a thread finds itself there. */
static void test_affinity(void) {
  cpu_set_t all, one, now;
  unsigned cpu = 0, node = 0;
  CHECK(sched_getaffinity(0, sizeof all, &all) == 0 && CPU_COUNT(&all) >= 1);
  for (unsigned i = 0; i < CPU_SETSIZE; ++i) {
    if (!CPU_ISSET(i, &all)) continue;
    CPU_ZERO(&one);
    CPU_SET(i, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &one));
    CHECK(getcpu(&cpu, &node) == 0 && cpu == i);
    CHECK(sched_getcpu() == (int)i);
  }
  CPU_ZERO(&one);
  CHECK_ERRNO(sched_setaffinity(0, sizeof one, &one), EINVAL);
  CHECK_ERRNO(sched_setaffinity(0x3ffffff, sizeof all, &all), ESRCH);
  CHECK_ERRNO(sched_setaffinity(0, sizeof all, (void*)8), EFAULT);
  CHECK_ERRNO(syscall(SYS_sched_getaffinity, 0, 3, &all), EINVAL);
  CHECK_ERRNO(sched_getaffinity(0x3ffffff, sizeof all, &now), ESRCH);
  CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
  CHECK(syscall(SYS_getcpu, NULL, NULL, NULL) == 0);
}

/* A pin holds for threads and children, and for a crowd of threads on one CPU, each of which gets its turn. */
static _Atomic int arrived;
static void* check_pin(void* cpu) {
  ++arrived;
  while (arrived < 8) {  // never calls: the others run because their turn comes
    CHECK(sched_getcpu() == (int)(long)cpu);
  }
  return NULL;
}

static void test_sharing(void) {
  cpu_set_t all, one;
  pthread_t ids[8];
  sched_getaffinity(0, sizeof all, &all);
  unsigned first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
  for (int i = 0; i < 8; ++i) CHECK(pthread_create(&ids[i], NULL, check_pin, (void*)(long)first) == 0);
  for (int i = 0; i < 8; ++i) pthread_join(ids[i], NULL);
  const pid_t child = fork();
  if (child == 0) {
    cpu_set_t mine;
    _exit(sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_EQUAL(&mine, &one) ? 0 : 1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
}

static void test_barriers(void) {
  const long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  CHECK((commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 && (commands & MEMBARRIER_CMD_GLOBAL) != 0);
  CHECK_ERRNO(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM);
  CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0);
  CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
  CHECK(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0);
  CHECK_ERRNO(syscall(SYS_membarrier, 1 << 20, 0, 0), EINVAL);
  CHECK_ERRNO(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 8, 0), EINVAL);
}

/* In a process of its own: priorities that were lowered do not come back. */
static void in_child(void (*test)(void), int unprivileged) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    if (unprivileged && geteuid() == 0) CHECK(setresuid(4711, 4711, 4711) == 0);
    failures = 0;
    test();
    fflush(stdout);
    _exit(failures != 0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void test_unprivileged(void) {
  const struct sched_param one = {1};
  CHECK_ERRNO(sched_setscheduler(0, SCHED_FIFO, &one), EPERM);
  CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, -5), EACCES);
  const int mine = getpriority(PRIO_PROCESS, 0), lower = mine < 19 ? mine + 1 : 19;
  CHECK(setpriority(PRIO_PROCESS, 0, lower) == 0);
  CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, lower - 1), EACCES);
  CHECK_ERRNO(syscall(SYS_ioprio_set, 1, 0, 1 << 13), EPERM);
}

int main(void) {
  test_limits_of_priorities();
  in_child(test_policies, 0);
  in_child(test_attributes, 0);
  in_child(test_nice, 0);
  in_child(test_io_priority, 0);
  in_child(test_unprivileged, 1);
  test_affinity();
  test_sharing();
  test_barriers();
  return conclude("scheduling");
}
