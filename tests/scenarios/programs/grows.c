// SPDX-License-Identifier: Apache-2.0
// grows CPU MIB: says "waiting", and asks again and again for a CPU and for memory that its enclave does not have
// yet. Ends when it has run on the one and written all of the other.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char* take(size_t size) {
  return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int cpu = atoi(argv[1]);
  const size_t size = strtoul(argv[2], NULL, 10) << 20;
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  CPU_SET(cpu, &wanted);
  const int early = sched_setaffinity(0, sizeof wanted, &wanted);
  if (early != -1 || errno != EINVAL) return puts("the CPU was there"), 1;
  if (take(size) != MAP_FAILED || errno != ENOMEM)
    return puts("the memory was there"), 1;
  puts("waiting");
  fflush(stdout);
  while (sched_setaffinity(0, sizeof wanted, &wanted) != 0) usleep(10000);
  while (sched_getcpu() != cpu) sched_yield();
  char* memory;
  while ((memory = take(size)) == MAP_FAILED) usleep(10000);
  memset(memory, 1, size);
  printf("has CPU %d and %zu MiB\n", sched_getcpu(), size >> 20);
  return 0;
}
