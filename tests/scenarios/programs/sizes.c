// SPDX-License-Identifier: Apache-2.0
// Prints to how many MiB its heap can grow by brk, and how many its first stack has.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { page = 4096, mib = 1 << 20 };

int main(void) {
  struct rlimit stack;
  if (getrlimit(RLIMIT_STACK, &stack) != 0) return 1;
  long heap = 0;
  while (sbrk(page) != (void*)-1) heap += page;
  heap = (heap + mib - 1) / mib;  // the C library has taken a few pages already
  char text[64];
  const int length = snprintf(text, sizeof text, "heap %ld stack %d\n", heap, (int)(stack.rlim_cur / mib));
  return write(1, text, (size_t)length) == length ? 0 : 1;
}
