// SPDX-License-Identifier: Apache-2.0
// Jumps to every byte of the co-kernel's way in and out, whole instructions or not, each in a process of its own, with
// registers that point nowhere. isolation.sh looks whether the enclave lives on.
//
// usage: entry-jumps [bytes]: so many behind the entry of system calls, which a rewritten call site's stub names
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { stack_size = 1 << 16, tries = 500 };

// A page of stubs begins with the addresses of the entry of all calls and that of getpid.
static int find_entries(uintptr_t entries[2]) {
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[512];
  int found = 0;
  while (maps != NULL && !found && fgets(line, sizeof(line), maps) != NULL) {
    if (strstr(line, "[syscalls]") == NULL) continue;
    memcpy(entries, (const void*)strtoul(line, NULL, 16), 2 * sizeof(*entries));
    found = 1;
  }
  if (maps != NULL) fclose(maps);
  return found;
}

static void jump(uintptr_t to, char* stack) {
  __asm__ volatile(
      "mov %0, %%r15\n\t"
      "mov %1, %%rsp\n\t"
      "mov $-1, %%rax\n\t"
      "mov %%rax, %%rbx\n\t"
      "mov %%rax, %%rcx\n\t"
      "mov %%rax, %%rdx\n\t"
      "mov %%rax, %%rsi\n\t"
      "mov %%rax, %%rdi\n\t"
      "mov %%rax, %%rbp\n\t"
      "mov %%rax, %%r8\n\t"
      "mov %%rax, %%r9\n\t"
      "mov %%rax, %%r10\n\t"
      "mov %%rax, %%r11\n\t"
      "mov %%rax, %%r12\n\t"
      "mov %%rax, %%r13\n\t"
      "mov %%rax, %%r14\n\t"
      "jmp *%%r15"
      :
      : "r"(to), "r"(stack)
      : "memory");
  __builtin_unreachable();
}

static int end_of(pid_t child) {
  const struct timespec pause = {0, 1000000};
  int status = 0;
  for (int i = 0; i < tries; ++i) {
    if (waitpid(child, &status, WNOHANG) == child) return status;
    nanosleep(&pause, NULL);
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return status;
}

int main(int argc, char** argv) {
  const uintptr_t bytes = argc > 1 ? strtoul(argv[1], NULL, 0) : 256;
  uintptr_t entries[2];
  getppid();
  if (!find_entries(entries)) {
    puts("no stubs: its calls are left on the trap");
    return 1;
  }
  char* stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) return 1;
  int killed = 0, exited = 0;
  for (uintptr_t to = entries[1]; to < entries[0] + bytes; ++to) {
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) jump(to, stack + stack_size / 2);
    if (WIFSIGNALED(end_of(child))) ++killed;
    else ++exited;
  }
  printf("%d killed, %d exited\n", killed, exited);
  return killed > 0 ? 0 : 1;
}
