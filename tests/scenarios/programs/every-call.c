// SPDX-License-Identifier: Apache-2.0
// Issues every Linux call number from 0 to 600 with its own `syscall` instruction, each in a process of its own, every
// argument -1: nothing that Linux would do harm for. isolation.sh looks whether any of them came to Linux.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { last_number = 600, tries = 2000 };

struct Outcome {
  long result;
  int returned;
};

static long issue(long number) {
  long result;
  register long r10 __asm__("r10") = -1;
  register long r8 __asm__("r8") = -1;
  register long r9 __asm__("r9") = -1;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(-1L), "S"(-1L), "d"(-1L), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// Waits for a child that may block for good, and ends it then.
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

static int is_creation(long number) { return number == 56 || number == 57 || number == 58 || number == 435; }

int main(void) {
  struct Outcome* outcomes = mmap(NULL, (last_number + 1) * sizeof(*outcomes), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (outcomes == MAP_FAILED) return 1;
  for (long number = 0; number <= last_number; ++number) {
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
      setsid();
      const long result = issue(number);
      if (is_creation(number) && result == 0) _exit(0);
      outcomes[number] = (struct Outcome){result, 1};
      _exit(0);
    }
    const int status = end_of(child);
    if (outcomes[number].returned) printf("%ld: %ld\n", number, outcomes[number].result);
    else printf("%ld: status %x\n", number, (unsigned)status);
  }
  puts("all issued");
  return 0;
}
