// SPDX-License-Identifier: Apache-2.0
// alarm, interval timers, POSIX timers, CPU-time clocks, resource usage, and setting the clock, which nobody may.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

static volatile sig_atomic_t count, value, code;
static void note(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  ++count;
  value = info->si_value.sival_int;
  code = info->si_code;
}

static void install(int signal) {
  struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};
  CHECK(sigaction(signal, &action, NULL) == 0);
}

static long long ns(struct timespec time) { return time.tv_sec * 1000000000ll + time.tv_nsec; }
static long long now(clockid_t clock) {
  struct timespec time = {0};
  CHECK(clock_gettime(clock, &time) == 0);
  return ns(time);
}

static void burn(long long cpu_ns) {
  const long long end = now(CLOCK_THREAD_CPUTIME_ID) + cpu_ns;
  while (now(CLOCK_THREAD_CPUTIME_ID) < end) continue;
}

static void test_alarm(void) {
  install(SIGALRM);
  CHECK(alarm(100) == 0);
  const unsigned left = alarm(0);
  CHECK(left == 100 || left == 99);
  CHECK(alarm(0) == 0);
  count = 0;
  const struct itimerval soon = {{0, 0}, {0, 10000}};
  CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
  while (count == 0) pause();
  CHECK(count == 1 && code == SI_KERNEL);
  struct itimerval left_over;
  CHECK(getitimer(ITIMER_REAL, &left_over) == 0 && left_over.it_value.tv_sec == 0 && left_over.it_value.tv_usec == 0);
  const struct itimerval wrong = {{0, 0}, {0, 1000000}};
  CHECK_ERRNO(setitimer(ITIMER_REAL, &wrong, NULL), EINVAL);
  CHECK_ERRNO(syscall(SYS_setitimer, 3, &soon, NULL), EINVAL);
  CHECK_ERRNO(syscall(SYS_getitimer, 7, &left_over), EINVAL);
  CHECK_ERRNO(syscall(SYS_getitimer, 0, 8), EFAULT);
}

static void test_repeating(void) {
  const struct itimerval often = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
  count = 0;
  CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
  while (count < 5) continue;  // it interrupts a program that never calls
  CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0);
}

static void test_cpu_timers(void) {
  const struct itimerval brief = {{0, 0}, {0, 20000}};
  install(SIGPROF);
  install(SIGVTALRM);
  count = 0;
  CHECK(setitimer(ITIMER_PROF, &brief, NULL) == 0);
  while (count == 0) continue;
  CHECK(setitimer(ITIMER_VIRTUAL, &brief, NULL) == 0);
  while (count == 1) continue;
  CHECK(count == 2);
}

static timer_t make_timer(clockid_t clock, int notify, int signal) {
  struct sigevent event = {.sigev_notify = notify, .sigev_signo = signal, .sigev_value.sival_int = 77};
  timer_t timer = NULL;
  CHECK(timer_create(clock, &event, &timer) == 0);
  return timer;
}

static void test_posix_timers(void) {
  install(SIGUSR1);
  const struct itimerspec soon = {{0, 0}, {0, 5000000}}, off = {{0, 0}, {0, 0}};
  const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};
  for (int i = 0; i < 3; ++i) {
    timer_t timer = make_timer(clocks[i], SIGEV_SIGNAL, SIGUSR1);
    count = value = 0;
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
    while (count == 0) pause();
    CHECK(value == 77 && code == SI_TIMER && timer_getoverrun(timer) == 0);
    struct timespec past = {1, 0};
    const struct itimerspec at_once = {{0, 0}, past};
    count = 0;
    CHECK(timer_settime(timer, TIMER_ABSTIME, &at_once, NULL) == 0);
    while (count == 0) pause();
    CHECK(timer_delete(timer) == 0);
    CHECK_ERRNO(timer_delete(timer), EINVAL);
  }
  timer_t timer = make_timer(CLOCK_MONOTONIC, SIGEV_NONE, 0);
  const struct itimerspec later = {{3, 0}, {1000, 0}};
  struct itimerspec left;
  CHECK(timer_settime(timer, 0, &later, NULL) == 0);
  CHECK(timer_gettime(timer, &left) == 0 && left.it_interval.tv_sec == 3 && left.it_value.tv_sec >= 900);
  CHECK(timer_settime(timer, 0, &off, &left) == 0 && left.it_value.tv_sec >= 900);
  const struct itimerspec wrong = {{0, 0}, {0, -1}};
  CHECK_ERRNO(timer_settime(timer, 0, &wrong, NULL), EINVAL);
  CHECK(timer_delete(timer) == 0);
  struct sigevent bad = {.sigev_notify = 99};
  CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, &bad, &timer), EINVAL);
  bad.sigev_notify = SIGEV_SIGNAL;
  bad.sigev_signo = 99;
  CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, &bad, &timer), EINVAL);
  CHECK_ERRNO(syscall(SYS_timer_create, 4711, NULL, &timer), EINVAL);
}

static void test_overrun(void) {
  const struct itimerspec often = {{0, 1000000}, {0, 1000000}};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  timer_t timer = make_timer(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
  CHECK(timer_settime(timer, 0, &often, NULL) == 0);
  const long long end = now(CLOCK_MONOTONIC) + 50000000;
  while (now(CLOCK_MONOTONIC) < end) continue;
  siginfo_t info;
  CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
  CHECK(info.si_overrun >= 10 && timer_getoverrun(timer) == info.si_overrun);
  CHECK(timer_delete(timer) == 0);
  const struct timespec none = {0, 0};
  sigtimedwait(&set, NULL, &none);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static pthread_t notified_by;
static _Atomic int notified;
static void notify(union sigval told) {
  notified_by = pthread_self();
  notified = told.sival_int;
}

static void test_thread_timer(void) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify, .sigev_value.sival_int = 5};
  const struct itimerspec soon = {{0, 0}, {0, 1000000}};
  timer_t timer;
  CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
  while (notified == 0) sched_yield();
  CHECK(notified == 5 && !pthread_equal(notified_by, pthread_self()));
  CHECK(timer_delete(timer) == 0);
}

static _Atomic int burnt, may_go;
static void* burn_in_thread(void* unused) {
  burn(30000000);
  burnt = 1;
  while (!may_go) sched_yield();
  return unused;
}

static void test_cpu_clocks(void) {
  const long long start = now(CLOCK_PROCESS_CPUTIME_ID), mine = now(CLOCK_THREAD_CPUTIME_ID);
  usleep(100000);
  CHECK(now(CLOCK_THREAD_CPUTIME_ID) - mine < 90000000);  // a sleep costs none
  pthread_t other;
  clockid_t of_other, of_self;
  pthread_create(&other, NULL, burn_in_thread, NULL);
  CHECK(pthread_getcpuclockid(other, &of_other) == 0);
  while (!burnt) usleep(1000);
  CHECK(now(of_other) >= 30000000);
  CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - start >= 30000000);
  CHECK(clock_getcpuclockid(getpid(), &of_self) == 0 && now(of_self) >= 30000000);
  may_go = 1;
  pthread_join(other, NULL);
  CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - start >= 30000000);  // what has left is counted
  struct timespec time;
  CHECK_ERRNO(clock_gettime(of_other, &time), EINVAL);
  CHECK_ERRNO(clock_gettime(4711, &time), EINVAL);
}

static void test_usage(void) {
  struct rusage usage, children;
  CHECK(getrusage(RUSAGE_CHILDREN, &children) == 0);
  const long long before = children.ru_utime.tv_sec * 1000000ll + children.ru_utime.tv_usec;
  const pid_t child = fork();
  if (child == 0) {
    burn(30000000);
    _exit(0);
  }
  int status = 0;
  CHECK(wait4(child, &status, 0, &usage) == child);
  CHECK(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec + 1000000 * usage.ru_utime.tv_sec >= 29000);
  CHECK(getrusage(RUSAGE_CHILDREN, &children) == 0);
  CHECK(children.ru_utime.tv_sec * 1000000ll + children.ru_utime.tv_usec + children.ru_stime.tv_usec - before >= 29000);
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0);
  CHECK(getrusage(RUSAGE_THREAD, &usage) == 0);
  CHECK_ERRNO(syscall(SYS_getrusage, 5, &usage), EINVAL);
  CHECK_ERRNO(syscall(SYS_getrusage, 0, 8), EFAULT);
  struct tms all;
  CHECK(times(&all) != (clock_t)-1 && all.tms_cutime + all.tms_cstime >= 2);
}

static void test_cpu_limit(void) {
  const pid_t child = fork();
  if (child == 0) {
    const struct rlimit one = {1, 10};
    setrlimit(RLIMIT_CPU, &one);
    for (;;) continue;
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
}

static void test_setting(void) {
  const struct timespec invalid = {0, -1};
  CHECK_ERRNO(clock_settime(CLOCK_REALTIME, &invalid), EINVAL);
  CHECK_ERRNO(clock_settime(CLOCK_MONOTONIC, &invalid), EINVAL);
  CHECK_ERRNO(syscall(SYS_clock_settime, CLOCK_REALTIME, 8), EFAULT);
}

int main(void) {
  test_alarm();
  test_repeating();
  test_cpu_timers();
  test_posix_timers();
  test_overrun();
  test_thread_timer();
  test_cpu_clocks();
  test_usage();
  test_cpu_limit();
  test_setting();
  return conclude("timers");
}
