// SPDX-License-Identifier: Apache-2.0
// System-call sites in odd places: met by many threads at once, generated and changed while the program runs, bytes that
// only look like one, and calls that are restarted.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

enum { threads = 4, page = 4096 };

/* ---- Fresh sites, which all threads reach at the same time ---- */

/* A function of its own for each, with a site in the shape that is rewritten; what it returns shows registers that the call
 * must leave alone. */
#define SITE(n)                                                                                                    \
  static __attribute__((noinline)) long site_##n(long mark) {                                                      \
    long result, kept = mark;                                                                                      \
    __asm__ volatile("mov $186, %%eax\n\tsyscall" : "=&a"(result), "+r"(kept) : : "rcx", "r11", "memory");          \
    return kept == mark ? result : -1;                                                                             \
  }
#define SITES8(n) SITE(n##0) SITE(n##1) SITE(n##2) SITE(n##3) SITE(n##4) SITE(n##5) SITE(n##6) SITE(n##7)
#define SITES64(n) SITES8(n##0) SITES8(n##1) SITES8(n##2) SITES8(n##3) SITES8(n##4) SITES8(n##5) SITES8(n##6) SITES8(n##7)
SITES64(1)
SITES64(2)
#define NAME(n) site_##n,
#define NAMES8(n) NAME(n##0) NAME(n##1) NAME(n##2) NAME(n##3) NAME(n##4) NAME(n##5) NAME(n##6) NAME(n##7)
#define NAMES64(n) NAMES8(n##0) NAMES8(n##1) NAMES8(n##2) NAMES8(n##3) NAMES8(n##4) NAMES8(n##5) NAMES8(n##6) NAMES8(n##7)
static long (*const sites[])(long) = {NAMES64(1) NAMES64(2)};
enum { site_count = sizeof sites / sizeof sites[0] };

static atomic_int arrived[site_count], wrong;
static void* meet_at_sites(void* argument) {
  const long tid = syscall(SYS_gettid);
  for (int i = 0; i < site_count; ++i) {
    atomic_fetch_add(&arrived[i], 1);
    for (int spins = 0; arrived[i] < threads; ++spins)
      if (spins > 500) sched_yield();
    for (int again = 0; again < 3; ++again)
      if (sites[i]((long)argument + i) != tid) atomic_fetch_add(&wrong, 1);
  }
  return NULL;
}
static void test_together(void) {
  pthread_t all[threads];
  for (int i = 0; i < threads; ++i) pthread_create(&all[i], NULL, meet_at_sites, (void*)(long)(i * 1000));
  for (int i = 0; i < threads; ++i) pthread_join(all[i], NULL);
  CHECK(wrong == 0);
}

/* ---- Code that the program makes ---- */

static char* code_page(void) {
  return mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void write_call(char* at, uint32_t number) {  // mov $number,%eax; syscall; ret
  at[0] = (char)0xb8;
  memcpy(at + 1, &number, 4);
  memcpy(at + 5, "\x0f\x05\xc3", 3);
}
static long run(const char* at) { return ((long (*)(void))(uintptr_t)at)(); }

static void test_generated(void) {
  const long pid = getpid(), parent = getppid(), user = getuid();
  char* code = code_page();
  for (int round = 0; round < 50; ++round) {
    // In the same place, one after the other.
    write_call(code, SYS_getpid);
    CHECK(run(code) == pid);
    write_call(code, SYS_getppid);
    CHECK(run(code) == parent);
    // Across its own old bytes.
    write_call(code + 3, SYS_getuid);
    CHECK(run(code + 3) == user);
    // Written, then made executable.
    CHECK(mprotect(code, page, PROT_READ | PROT_WRITE) == 0);
    write_call(code, round % 2 == 0 ? SYS_getpid : SYS_getppid);
    CHECK(mprotect(code, page, PROT_READ | PROT_EXEC) == 0);
    CHECK(run(code) == (round % 2 == 0 ? pid : parent));
    CHECK(mprotect(code, page, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
  }
  // Other code at the address of code that has gone.
  for (int round = 0; round < 20; ++round) {
    write_call(code, SYS_getppid);
    CHECK(run(code) == parent);
    munmap(code, page);
    CHECK(mmap(code, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == code);
    memcpy(code, "\xb8\x07\x00\x00\x00\xc3", 6);  // mov $7,%eax; ret
    CHECK(run(code) == 7);
  }
  munmap(code, page);
}

static void* generate(void* result) {
  const long pid = getpid(), parent = getppid();
  char* code = code_page();
  for (int i = 0; i < 500; ++i) {
    write_call(code, i % 2 == 0 ? SYS_getpid : SYS_getppid);
    if (run(code) != (i % 2 == 0 ? pid : parent)) *(int*)result = 1;
  }
  munmap(code, page);
  return NULL;
}
static void test_generating_threads(void) {
  pthread_t all[threads];
  int bad[threads] = {0};
  for (int i = 0; i < threads; ++i) pthread_create(&all[i], NULL, generate, &bad[i]);
  for (int i = 0; i < threads; ++i) {
    pthread_join(all[i], NULL);
    CHECK(bad[i] == 0);
  }
}

/* ---- Bytes that look like `mov $39,%eax; syscall` and are something else, too ---- */

/* All eight bytes of a constant: run as a constant it is kept; jumped into, it is a call. */
__asm__(
    ".text\n"
    "inside_constant:\n\t"
    ".cfi_startproc\n\t"
    "movabs $0x90050f00000027b8, %rax\n\t"
    "ret\n\t"
    ".cfi_endproc\n"
    "jumped_into:\n\t"
    ".cfi_startproc\n\t"
    "call inside_constant + 2\n\t"  // the constant, then nop, then ret
    "ret\n\t"
    ".cfi_endproc\n"
    // A prefix makes the mov one of r8.
    "behind_prefix:\n\t"
    ".cfi_startproc\n\t"
    "push $39\n\t"
    "pop %rax\n\t"
    ".byte 0x41, 0xb8, 39, 0, 0, 0\n\t"
    "syscall\n\t"
    "cmp $39, %r8\n\t"
    "je 1f\n\t"
    "xor %eax, %eax\n"
    "1:\n\t"
    "ret\n\t"
    ".cfi_endproc\n"
    // A branch goes to the syscall itself: the mov before it is another way in.
    "two_ways:\n\t"
    ".cfi_startproc\n\t"
    "test %edi, %edi\n\t"
    "mov %edi, %eax\n\t"
    "jnz 2f\n\t"
    "mov $39, %eax\n"
    "2:\n\t"
    "syscall\n\t"
    "ret\n\t"
    ".cfi_endproc\n");
extern long inside_constant(void), jumped_into(void), behind_prefix(void), two_ways(int number);

static void test_lookalikes(void) {
  const long pid = getpid();
  for (int i = 0; i < 20; ++i) {
    CHECK(inside_constant() == (long)0x90050f00000027b8);
    CHECK(jumped_into() == pid);
    CHECK(behind_prefix() == pid);
    CHECK(two_ways(0) == pid);
    CHECK(two_ways(SYS_getppid) == getppid());
  }
  static const unsigned char data[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};
  for (int i = 0; i < 3; ++i) CHECK(data[0] == 0xb8 && data[5] == 0x0f && data[6] == 0x05);
}

/* ---- Restarted calls, from sites of both kinds ---- */

/* The shape that is rewritten... */
#define CALL4(name, number)                                                                                          \
  static __attribute__((noinline)) long name(long a, long b, long c, long d) {                                       \
    register long fourth __asm__("r10") = d;                                                                         \
    long result;                                                                                                     \
    __asm__ volatile("mov %1, %%eax\n\tsyscall"                                                                      \
                     : "=a"(result)                                                                                  \
                     : "i"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)                                              \
                     : "rcx", "r11", "memory");                                                                      \
    return result;                                                                                                   \
  }
CALL4(raw_read, SYS_read)
CALL4(raw_nanosleep, SYS_nanosleep)
CALL4(raw_futex, SYS_futex)
CALL4(raw_wait4, SYS_wait4)
/* ... and one that never is: the number comes from memory. */
static long trapped(long number, long a, long b, long c, long d) {
  register long fourth __asm__("r10") = d;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
  return result;
}
static long by(int in_trap, long number, long a, long b, long c, long d) {
  if (in_trap) return trapped(number, a, b, c, d);
  switch (number) {
    case SYS_read: return raw_read(a, b, c, d);
    case SYS_nanosleep: return raw_nanosleep(a, b, c, d);
    case SYS_futex: return raw_futex(a, b, c, d);
    default: return raw_wait4(a, b, c, d);
  }
}

static atomic_int handled;
static int pipe_ends[2];
static atomic_int word;
static void handle(int number) {
  (void)number;
  ++handled;
}
/* Interrupts the main thread in its call, twice, then lets the call come to its end. */
static void* disturb(void* main_thread) {
  for (int i = 0; i < 2; ++i) {
    usleep(20000);
    pthread_kill(*(pthread_t*)main_thread, SIGUSR1);
  }
  usleep(20000);
  word = 1;
  syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
  CHECK(write(pipe_ends[1], "x", 1) == 1);
  return NULL;
}

static long disturbed(int flags, int in_trap, long number, long a, long b, long c, long d) {
  struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
  sigaction(SIGUSR1, &action, NULL);
  handled = 0;
  word = 0;
  pthread_t self = pthread_self(), other;
  pthread_create(&other, NULL, disturb, &self);
  const long result = by(in_trap, number, a, b, c, d);
  pthread_join(other, NULL);
  char rest;
  if (number != SYS_read || result != 1) CHECK(read(pipe_ends[0], &rest, 1) == 1);
  return result;
}

static void test_restarts(int in_trap) {
  char byte = 0;
  const struct timespec long_time = {.tv_sec = 2}, short_time = {.tv_nsec = 40000000};
  struct timespec left = {.tv_sec = 9};
  CHECK(disturbed(SA_RESTART, in_trap, SYS_read, pipe_ends[0], (long)&byte, 1, 0) == 1 && byte == 'x' && handled == 2);
  CHECK(disturbed(0, in_trap, SYS_read, pipe_ends[0], (long)&byte, 1, 0) == -EINTR);
  CHECK(disturbed(SA_RESTART, in_trap, SYS_futex, (long)&word, FUTEX_WAIT, 0, 0) == 0 && handled == 2);
  CHECK(disturbed(0, in_trap, SYS_futex, (long)&word, FUTEX_WAIT, 0, 0) == -EINTR);
  // What has a relative timeout is not begun again when a handler has run.
  CHECK(disturbed(SA_RESTART, in_trap, SYS_futex, (long)&word, FUTEX_WAIT, 0, (long)&long_time) == -EINTR);
  CHECK(disturbed(SA_RESTART, in_trap, SYS_nanosleep, (long)&long_time, (long)&left, 0, 0) == -EINTR);
  CHECK(left.tv_sec == 1 && left.tv_nsec > 0);
  // Without a handler nothing is noticed.
  signal(SIGWINCH, SIG_DFL);
  struct itimerval often = {{0, 3000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
  signal(SIGALRM, SIG_IGN);
  setitimer(ITIMER_REAL, &often, NULL);
  CHECK(by(in_trap, SYS_nanosleep, (long)&short_time, 0, 0, 0) == 0);
  setitimer(ITIMER_REAL, &never, NULL);
  signal(SIGALRM, SIG_DFL);
  // wait4 is restarted, too.
  const pid_t child = fork();
  if (child == 0) {
    usleep(80000);
    _exit(3);
  }
  int status = 0;
  CHECK(disturbed(SA_RESTART, in_trap, SYS_wait4, child, (long)&status, 0, 0) == child && WEXITSTATUS(status) == 3);
}

int main(int argc, char** argv) {
  (void)argv;
  test_together();
  if (argc > 1) return failures != 0;
  // Fresh sites again, in processes of their own.
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      execl("/proc/self/exe", "rewriting", "again", NULL);
      _exit(99);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
  test_generated();
  test_generating_threads();
  test_lookalikes();
  CHECK(pipe(pipe_ends) == 0);
  test_restarts(0);
  test_restarts(1);
  return conclude("rewriting");
}
