// SPDX-License-Identifier: Apache-2.0
// The exceptions a program can cause are its signals, with Linux's numbers and codes, and nobody else's trouble.
// (Not those of floating point: QEMU's software emulation does not raise them.)
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

static sigjmp_buf back;
static volatile int signal_number, signal_code;
static void* volatile signal_address;

static void note(int number, siginfo_t* info, void* context) {
  (void)context;
  signal_number = number;
  signal_code = info->si_code;
  signal_address = info->si_addr;
  siglongjmp(back, 1);
}

static char* hidden;
static volatile char* volatile nothing = (char*)8;
static const char* constant = "constant";

static void divide(void) {
  __asm__ volatile("xor %%edx, %%edx\n\txor %%ecx, %%ecx\n\tdiv %%ecx" : : : "eax", "ecx", "edx");
}
static void undefined(void) { __asm__ volatile("ud2"); }
static void stop_at(void) { __asm__ volatile("int3"); }
static void step(void) {
  __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop" : : : "memory", "cc");
}
static void halt(void) { __asm__ volatile("hlt"); }
static void interrupt(void) { __asm__ volatile("int $0xf1"); }
static void read_nothing(void) { (void)*nothing; }
static void read_hidden(void) { (void)*(volatile char*)hidden; }
static void write_constant(void) { *(volatile char*)constant = 1; }
static void execute_data(void) { ((void (*)(void))(uintptr_t)hidden)(); }
static void read_direct_map(void) { (void)*(volatile char*)0xffff800008000000; }
static void jump_to_kernel(void) { ((void (*)(void))0xffffffff80000000)(); }
static void read_no_address(void) { (void)*(volatile char*)0x8000000000000000; }

static const struct {
  const char* name;
  void (*cause)(void);
  int signal, code;
} cases[] = {
    {"divide", divide, SIGFPE, FPE_INTDIV},
    {"undefined", undefined, SIGILL, ILL_ILLOPN},
    {"stop_at", stop_at, SIGTRAP, SI_KERNEL},
    {"step", step, SIGTRAP, TRAP_TRACE},
    {"halt", halt, SIGSEGV, SI_KERNEL},
    {"interrupt", interrupt, SIGSEGV, SI_KERNEL},
    {"read_nothing", read_nothing, SIGSEGV, SEGV_MAPERR},
    {"read_hidden", read_hidden, SIGSEGV, SEGV_ACCERR},
    {"write_constant", write_constant, SIGSEGV, SEGV_ACCERR},
    {"execute_data", execute_data, SIGSEGV, SEGV_ACCERR},
    {"read_direct_map", read_direct_map, SIGSEGV, SEGV_MAPERR},
    {"jump_to_kernel", jump_to_kernel, SIGSEGV, SEGV_MAPERR},
    {"read_no_address", read_no_address, SIGSEGV, SI_KERNEL},
};

static void attempt(void (*cause)(void)) {
  signal_number = 0;
  if (sigsetjmp(back, 1) == 0) cause();
}

static void test_signals(void) {
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    attempt(cases[i].cause);
    if (signal_number == cases[i].signal && signal_code == cases[i].code) continue;
    printf("%s: signal %d, code %d\n", cases[i].name, signal_number, signal_code);
    ++failures;
  }
  attempt(read_hidden);
  CHECK(signal_address == hidden);
}

static void go_nowhere(int number, siginfo_t* info, void* context) {
  (void)number, (void)info;
  ((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000;
}

static void raise_signal(void) { raise(SIGUSR1); }

/* A return to where no code can be is the program's fault, wherever the kernel notices it. */
static void test_bad_return(void) {
  struct sigaction action = {.sa_sigaction = go_nowhere, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  attempt(raise_signal);
  CHECK(signal_number == SIGSEGV);
}

/* Linux's 32-bit calls are none of this kernel's, and this one is none of theirs. */
static void test_old_call(void) {
  long result = 0x123456;
  __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
  CHECK((int)result == -ENOSYS);
}

int main(void) {
  void* const memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const stack_t stack = {.ss_sp = memory, .ss_size = 65536};
  sigaltstack(&stack, NULL);
  hidden = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mprotect(hidden, 4096, PROT_NONE) == 0);
  struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; ++i) sigaction(signals[i], &action, NULL);
  test_signals();
  test_bad_return();
  test_old_call();
  return conclude("exceptions");
}
