// SPDX-License-Identifier: Apache-2.0
// Signals: handlers, masks, alternate stacks, faults that are survived, interrupted and restarted calls.
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

static volatile sig_atomic_t seen, code, on_stack;
static volatile double kept;
static sigjmp_buf back;
static char alternate[65536];

static void note(int number) { seen = number; }

static void note_info(int number, siginfo_t* info, void* context) {
  (void)context;
  seen = number;
  code = info->si_code;
  char here;
  on_stack = &here >= alternate && &here < alternate + sizeof alternate;
  volatile double scratch = 1.0;
  for (int i = 0; i < 100; ++i) scratch *= 1.0001;
  kept = scratch;
}

static void jump_back(int number, siginfo_t* info, void* context) {
  (void)context;
  seen = number;
  code = info->si_code;
  siglongjmp(back, 1);
}

static void skip_instruction(int number, siginfo_t* info, void* context) {
  (void)info;
  seen = number;
  ((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP] += 2;  // ud2
}

static void install(int number, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
  CHECK(sigaction(number, &action, NULL) == 0);
}

static void test_handlers(void) {
  signal(SIGUSR1, note);
  seen = 0;
  CHECK(raise(SIGUSR1) == 0 && seen == SIGUSR1);
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  CHECK(sigaltstack(&stack, NULL) == 0);
  install(SIGUSR2, note_info, SA_ONSTACK);
  double before = 1.5, other = 2.25;
  CHECK(kill(getpid(), SIGUSR2) == 0);
  CHECK(seen == SIGUSR2 && code == SI_USER && on_stack);
  CHECK(before * other == 3.375);
  signal(SIGUSR1, SIG_IGN);
  seen = 0;
  CHECK(raise(SIGUSR1) == 0 && seen == 0);
}

static void test_masks(void) {
  sigset_t set, old, pending;
  signal(SIGUSR1, note);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
  seen = 0;
  raise(SIGUSR1);
  CHECK(seen == 0);
  CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
  sigset_t none;
  sigemptyset(&none);
  CHECK_ERRNO(sigsuspend(&none), EINTR);
  CHECK(seen == SIGUSR1);
  raise(SIGUSR1);
  siginfo_t info;
  CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
  struct timespec brief = {0, 1000000};
  CHECK_ERRNO(sigtimedwait(&set, &info, &brief), EAGAIN);
  CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

static void test_faults(void) {
  install(SIGSEGV, jump_back, SA_ONSTACK);
  install(SIGFPE, jump_back, 0);
  install(SIGILL, skip_instruction, 0);
  seen = 0;
  volatile int* volatile nowhere = (volatile int*)8;
  if (sigsetjmp(back, 1) == 0) *nowhere = 1;
  CHECK(seen == SIGSEGV && code == SEGV_MAPERR);
  char* read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (sigsetjmp(back, 1) == 0) *(volatile char*)read_only = 1;
  CHECK(seen == SIGSEGV && code == SEGV_ACCERR);
  if (sigsetjmp(back, 1) == 0) __asm__ volatile("xor %%ecx, %%ecx\n\tidivl %%ecx" ::: "eax", "ecx", "edx", "cc");
  CHECK(seen == SIGFPE && code == FPE_INTDIV);
  __asm__ volatile("ud2");
  CHECK(seen == SIGILL);
  signal(SIGSEGV, SIG_DFL);
}

static void* send_later(void* target) {
  usleep(30000);
  pthread_kill((pthread_t)target, SIGUSR1);
  return NULL;
}

static void test_interruption(int flags, int interrupted) {
  struct sigaction action = {.sa_handler = note, .sa_flags = flags};
  sigaction(SIGUSR1, &action, NULL);
  int ends[2];
  CHECK(pipe(ends) == 0);
  pthread_t sender;
  seen = 0;
  pid_t child = fork();
  if (child == 0) {
    usleep(150000);
    CHECK(write(ends[1], "x", 1) == 1);
    _exit(0);
  }
  pthread_create(&sender, NULL, send_later, (void*)pthread_self());  // behind the fork, which may take its time
  char byte;
  errno = 0;
  const ssize_t got = read(ends[0], &byte, 1);
  CHECK(seen == SIGUSR1);
  if (interrupted) CHECK(got == -1 && errno == EINTR);
  else CHECK(got == 1);
  pthread_join(sender, NULL);
  CHECK(waitpid(child, NULL, 0) == child);
  close(ends[0]);
  close(ends[1]);
}

static void* compute(void* unused) {
  (void)unused;
  double sum = 0;
  for (int i = 1; i < 20000000; ++i) sum += 1.0 / i;
  return (void*)(long)(sum * 1e6);
}

/* Interrupts while computing leave the computation alone. */
static void test_computation(void) {
  signal(SIGUSR1, note);
  const long expected = (long)compute(NULL);
  pthread_t worker;
  pthread_create(&worker, NULL, compute, NULL);
  for (int i = 0; i < 200; ++i) {
    pthread_kill(worker, SIGUSR1);
    usleep(100);
  }
  void* result = NULL;
  pthread_join(worker, &result);
  CHECK((long)result == expected);
}

static void test_deaths(void) {
  const int deaths[] = {SIGTERM, SIGKILL, SIGSEGV, SIGABRT};
  for (unsigned i = 0; i < sizeof deaths / sizeof deaths[0]; ++i) {
    pid_t child = fork();
    if (child == 0) {
      signal(deaths[i], SIG_DFL);
      raise(deaths[i]);
      _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == deaths[i]);
  }
}

int main(void) {
  test_handlers();
  test_masks();
  test_faults();
  test_interruption(0, 1);
  test_interruption(SA_RESTART, 0);
  test_computation();
  test_deaths();
  CHECK_ERRNO(kill(getpid(), 65), EINVAL);
  CHECK_ERRNO(kill(0x3ffffff, 0), ESRCH);
  return conclude("signals");
}
