// SPDX-License-Identifier: Apache-2.0
// A program that asks for too much: threads, processes, stack, memory. What it is refused it survives (abuse.sh).
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static void* wait_at_gate(void* unused) {
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return unused;
}

/* As many threads as there are to be had, up to `most`; all of them end. */
static void many_threads(int most) {
  pthread_t* ids = calloc((size_t)most, sizeof *ids);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 16384);
  int count = 0, error = 0;
  pthread_mutex_lock(&gate);
  while (count < most && (error = pthread_create(&ids[count], &attributes, wait_at_gate, NULL)) == 0) ++count;
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < count; ++i) CHECK(pthread_join(ids[i], NULL) == 0);
  CHECK(error == 0 || error == EAGAIN || error == ENOMEM);
  CHECK(count > 100);
  pthread_t one;
  CHECK(pthread_create(&one, NULL, wait_at_gate, NULL) == 0 && pthread_join(one, NULL) == 0);
  free(ids);
}

/* Every process forks until it cannot. */
static void fork_bomb(void) {
  for (int depth = 0; depth < 30; ++depth) {
    const pid_t child = fork();
    if (child < 0) CHECK(errno == EAGAIN || errno == ENOMEM);
    if (child < 0) break;
  }
  pause();
}

static char alternate[65536];
static sigjmp_buf back;
static volatile int depth;
static void overflowed(int signal) {
  char here;
  CHECK(signal == SIGSEGV && &here >= alternate && &here < alternate + sizeof alternate);
  siglongjmp(back, 1);
}

static int recurse(volatile char* above) {
  volatile char frame[512];
  frame[0] = above[0];
  if (++depth < 0) return 0;  // there is no stack as deep
  return recurse(frame) + frame[0];
}

static void endless_recursion(void) {
  const stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  const struct sigaction action = {.sa_handler = overflowed, .sa_flags = SA_ONSTACK};
  volatile char start = 0;
  CHECK(sigaltstack(&stack, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
  for (int i = 0; i < 3; ++i) {
    depth = 0;
    if (sigsetjmp(back, 1) == 0) recurse(&start);
    CHECK(depth > 1000);
  }
}

static void* recurse_in_thread(void* unused) {
  endless_recursion();
  return unused;
}

static void* map(size_t size) {
  return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Memory until there is none: an error, and afterwards everything goes on. */
static void all_memory(void) {
  enum { most = 100000 };
  static void* pieces[most];
  for (size_t size = 16 << 20; size >= 4096; size /= 16) {
    int count = 0;
    while (count < most && (pieces[count] = map(size)) != MAP_FAILED) memset(pieces[count++], 1, size);
    CHECK(count < most && errno == ENOMEM);
    CHECK(malloc(64 << 20) == NULL && errno == ENOMEM);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    CHECK(child > 0 ? waitpid(child, NULL, 0) == child : errno == ENOMEM || errno == EAGAIN);
    int kept = 0;
    for (int i = 0; i < count; ++i) kept += munmap(pieces[i], size) != 0;
    CHECK(kept == 0);
  }
  void* memory = malloc(16 << 20);
  CHECK(memory != NULL);
  free(memory);
}

/* More than there could be: that call fails. */
static void huge_mappings(void) {
  const size_t sizes[] = {(size_t)1 << 40, (size_t)1 << 46, (size_t)1 << 47, (size_t)1 << 63, SIZE_MAX - 4096, SIZE_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    CHECK(map(sizes[i]) == MAP_FAILED && errno == ENOMEM);
    CHECK(malloc(sizes[i] / 2) == NULL && errno == ENOMEM);
  }
  // Addresses are to be had; memory for all of them is not.
  char* reserved = mmap(NULL, (size_t)1 << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(reserved != MAP_FAILED);
  CHECK(mprotect(reserved, (size_t)1 << 40, PROT_READ | PROT_WRITE) == -1 && errno == ENOMEM);
  CHECK(mprotect(reserved + (1 << 30), 1 << 20, PROT_READ | PROT_WRITE) == 0);
  reserved[(1 << 30) + 5] = 1;
  CHECK(munmap(reserved, (size_t)1 << 40) == 0);
  char* small = map(4096);
  CHECK(mremap(small, 4096, (size_t)1 << 40, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
  small[0] = 1;  // it is where it was
  CHECK(munmap(small, 4096) == 0);
  char* const heap = sbrk(0);
  CHECK(sbrk((intptr_t)1 << 40) == (void*)-1 && errno == ENOMEM && sbrk(0) == heap);
  void* left = map(1 << 20);
  CHECK(left != MAP_FAILED && munmap(left, 1 << 20) == 0);
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "threads") == 0) many_threads(10000);
  else if (strcmp(what, "bomb") == 0) fork_bomb();
  else if (strcmp(what, "memory") == 0) all_memory();
  else if (strcmp(what, "huge") == 0) huge_mappings();
  else if (strcmp(what, "recursion") == 0) {
    pthread_t id;
    endless_recursion();
    CHECK(pthread_create(&id, NULL, recurse_in_thread, NULL) == 0 && pthread_join(id, NULL) == 0);
  } else if (strcmp(what, "overflow") == 0) {
    volatile char start = 0;
    return recurse(&start);
  } else return 2;
  return conclude(what);
}
