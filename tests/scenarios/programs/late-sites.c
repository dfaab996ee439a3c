// SPDX-License-Identifier: Apache-2.0
// The library that loaded-late.c loads again and again: system-call sites that nobody has met yet, and its address.
#include <sys/syscall.h>

#define SITE(name, number)                                                                                    \
  __attribute__((visibility("default"))) long name(void) {                                                    \
    long result;                                                                                              \
    __asm__ volatile("mov %1, %%eax\n\tsyscall" : "=a"(result) : "i"(number) : "rcx", "r11", "memory");       \
    return result;                                                                                            \
  }
SITE(late_parent, SYS_getppid)
SITE(late_thread, SYS_gettid)
SITE(late_user, SYS_getuid)
