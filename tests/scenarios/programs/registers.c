// SPDX-License-Identifier: Apache-2.0
// A system call changes rax, rcx and r11 and nothing else: not the other registers, not the flags, not the red zone, not
// the vector registers. The same however often the site has run, and when it is jumped to past its mov.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

struct state {
  uint64_t rbx, rdx, rsi, rdi, r8, r9, r10, r12, flags, red_zone, rax;
};

/* getpid with marks everywhere, at one site. */
static __attribute__((noinline)) void call_marked(struct state* out, uint64_t flags) {
  __asm__ volatile(
      "push %[flags]\n\tpopfq\n\t"
      "movq $0x7777, -16(%%rsp)\n\t"
      "mov $1, %%rbx\n\tmov $2, %%rdx\n\tmov $3, %%rsi\n\tmov $4, %%rdi\n\tmov $5, %%r8\n\tmov $6, %%r9\n\t"
      "mov $7, %%r10\n\tmov $8, %%r12\n\t"
      "mov $39, %%eax\n\tsyscall\n\t"
      "mov %%rbx, 0(%[out])\n\tmov %%rdx, 8(%[out])\n\tmov %%rsi, 16(%[out])\n\tmov %%rdi, 24(%[out])\n\t"
      "mov %%r8, 32(%[out])\n\tmov %%r9, 40(%[out])\n\tmov %%r10, 48(%[out])\n\tmov %%r12, 56(%[out])\n\t"
      "mov -16(%%rsp), %%rbx\n\tmov %%rbx, 72(%[out])\n\t"
      "mov %%rax, 80(%[out])\n\t"
      "pushfq\n\tpop %%rbx\n\tmov %%rbx, 64(%[out])\n\tcld\n\t"
      :
      : [out] "r"(out + 0), [flags] "r"(flags)
      : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}

/* Arrives at the syscall instruction with a number of its own. */
static __attribute__((noinline)) long call_past_mov(long number) {
  long result;
  __asm__ volatile(
      "mov %1, %%rax\n\t"
      "cmp $0, %%rax\n\tjne 1f\n\t"
      "mov $39, %%eax\n"
      "1:\tsyscall\n\t"
      : "=&a"(result)
      : "r"(number)
      : "rcx", "r11", "memory");
  return result;
}

static __attribute__((noinline)) int vectors_survive(void) {
  double in[4] = {1.25, 2.5, 3.75, 5.0}, out[4];
  __asm__ volatile(
      "movupd (%1), %%xmm0\n\tmovupd 16(%1), %%xmm15\n\t"
      "mov $186, %%eax\n\tsyscall\n\t"
      "movupd %%xmm0, (%0)\n\tmovupd %%xmm15, 16(%0)\n\t"
      :
      : "r"(out), "r"(in)
      : "rax", "rcx", "r11", "xmm0", "xmm15", "memory");
  return memcmp(in, out, sizeof in) == 0;
}

int main(void) {
  const uint64_t arithmetic = 0x8d5;
  const uint64_t patterns[] = {0x202, 0x202 | arithmetic, 0x203, 0x206, 0x212, 0x242, 0x282, 0xa02, 0x602};
  for (int round = 0; round < 100; ++round)
    for (unsigned i = 0; i < sizeof patterns / sizeof patterns[0]; ++i) {
      struct state state;
      memset(&state, 0, sizeof state);
      call_marked(&state, patterns[i]);
      CHECK(state.rbx == 1 && state.rdx == 2 && state.rsi == 3 && state.rdi == 4);
      CHECK(state.r8 == 5 && state.r9 == 6 && state.r10 == 7 && state.r12 == 8);
      CHECK((state.flags & (arithmetic | 0x400)) == (patterns[i] & (arithmetic | 0x400)));
      CHECK(state.red_zone == 0x7777);
      CHECK((pid_t)state.rax == getpid());
      CHECK(vectors_survive());
    }
  CHECK(call_past_mov(0) == getpid());
  CHECK(call_past_mov(0) == getpid());
  CHECK(call_past_mov(SYS_getuid) == (long)getuid());
  CHECK(call_past_mov(SYS_getppid) == getppid());
  CHECK(call_past_mov(100000) == -ENOSYS);
  return conclude("registers");
}
