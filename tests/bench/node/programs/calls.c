// SPDX-License-Identifier: Apache-2.0
// Calls getpid through a call site of its own, which has the shape of those in libc.
#include "tests/bench/node/programs/serve.h"

static void call_getpid(uint64_t times) {
  while (times-- > 0) {
    long pid;
    __asm__ volatile("mov $39, %%eax\n\tsyscall" : "=a"(pid) : : "rcx", "r11", "memory");
  }
}

int main(void) { return serve(call_getpid); }
