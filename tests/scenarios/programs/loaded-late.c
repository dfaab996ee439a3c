// SPDX-License-Identifier: Apache-2.0
// Code that is loaded while the program runs: copies of a library with sites of its own, loaded, called by several threads
// at once, and unloaded; the next one often comes to lie where the last one was.
//   loaded-late LIBRARY
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

enum { threads = 4, rounds = 30, calls = 50 };
typedef long call(void);
struct library {
  call *parent, *thread, *user;
  pthread_barrier_t start;
};

static void* call_all(void* argument) {
  struct library* library = argument;
  const long tid = syscall(SYS_gettid), parent = getppid(), user = getuid();
  long wrong = 0;
  pthread_barrier_wait(&library->start);
  for (int i = 0; i < calls; ++i)
    wrong += library->thread() != tid || library->parent() != parent || library->user() != user;
  return (void*)(intptr_t)wrong;
}

static call* find(void* handle, const char* name) {
  void* symbol = dlsym(handle, name);
  CHECK(symbol != NULL);
  call* function;
  memcpy(&function, &symbol, sizeof symbol);
  return function;
}

static void call_by_threads(struct library* library) {
  pthread_t all[threads];
  pthread_barrier_init(&library->start, NULL, threads);
  for (int i = 0; i < threads; ++i) pthread_create(&all[i], NULL, call_all, library);
  for (int i = 0; i < threads; ++i) {
    void* wrong = NULL;
    pthread_join(all[i], &wrong);
    CHECK(wrong == NULL);
  }
  pthread_barrier_destroy(&library->start);
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  for (int round = 0; round < rounds; ++round) {
    void* handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) printf("%s\n", dlerror());
    CHECK(handle != NULL);
    struct library library = {.parent = find(handle, "late_parent"),
                              .thread = find(handle, "late_thread"),
                              .user = find(handle, "late_user")};
    call_by_threads(&library);
    if (round % 10 == 0) {  // a child has the sites as they are now
      const pid_t child = fork();
      if (child == 0) _exit(library.parent() != getppid() || library.user() != getuid());
      int status = -1;
      CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    CHECK(dlclose(handle) == 0);
    CHECK(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) == NULL);
  }
  return conclude("loaded-late");
}
