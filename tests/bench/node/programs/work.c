// SPDX-License-Identifier: Apache-2.0
// work NAME [OPERAND]: what programs ask of a kernel, one thing at a time.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/bench/node/programs/serve.h"

enum { mapped = 64 << 20, page = 4096, read_size = 256 << 10 };

static const char* operand;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void read_clock(uint64_t times) {
  while (times-- > 0) monotonic_ns();
}

static void map_and_touch(uint64_t times, int advice) {
  for (; times > 0; --times) {
    char* memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    madvise(memory, mapped, advice);
    for (long at = 0; at < mapped; at += page) memory[at] = 1;
    munmap(memory, mapped);
  }
}
static void map_pages(uint64_t times) { map_and_touch(times, MADV_NOHUGEPAGE); }
static void map_huge(uint64_t times) { map_and_touch(times, MADV_HUGEPAGE); }

static void run_program(uint64_t times) {
  for (; times > 0; --times) {
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
      execl(operand, operand, (char*)NULL);
      _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) fail(operand);
  }
}

static void* nothing(void* argument) { return argument; }

static void run_thread(uint64_t times) {
  for (; times > 0; --times) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0) fail("thread");
  }
}

static int there[2], back[2];

static void play(uint64_t times) {
  char ball = 0;
  for (; times > 0; --times) {
    if (write(there[1], &ball, 1) != 1 || read(back[0], &ball, 1) != 1) fail("pipe");
  }
}

// The n-th of the CPUs that we may use.
static void stay_on(int n) {
  cpu_set_t all, only;
  CPU_ZERO(&only);
  if (sched_getaffinity(0, sizeof all, &all) != 0) fail("CPUs");
  int cpu = 0;
  while (!CPU_ISSET(cpu, &all) || n-- > 0) ++cpu;
  CPU_SET(cpu, &only);
  if (sched_setaffinity(0, sizeof only, &only) != 0) fail("a CPU of its own");
}

static int serve_pipe(int apart) {
  if (pipe(there) != 0 || pipe(back) != 0) fail("pipe");
  const pid_t partner = fork();
  if (apart) stay_on(partner == 0 ? 1 : 0);
  if (partner == 0) {
    close(there[1]);
    for (char ball; read(there[0], &ball, 1) == 1;) {
      if (write(back[1], &ball, 1) != 1) break;
    }
    _exit(0);
  }
  close(there[0]);
  return serve(play);
}

static int file;

static void seek(uint64_t times) {
  for (; times > 0; --times) {
    if (lseek(file, 0, SEEK_CUR) != 0) fail("lseek");
  }
}

static void read_all(uint64_t times) {
  static char buffer[read_size];
  for (; times > 0; --times) {
    ssize_t got = 0;
    if (lseek(file, 0, SEEK_SET) != 0) fail("lseek");
    while ((got = read(file, buffer, sizeof buffer)) > 0) {
    }
    if (got < 0) fail(operand);
  }
}

static int serve_file(void (*work)(uint64_t times)) {
  file = open(operand, O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(operand);
  return serve(work);
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const char* name = argv[1];
  operand = argc > 2 ? argv[2] : "";
  if (strcmp(name, "clock") == 0) return serve(read_clock);
  if (strcmp(name, "pages") == 0) return serve(map_pages);
  if (strcmp(name, "huge-pages") == 0) return serve(map_huge);
  if (strcmp(name, "program") == 0) return serve(run_program);
  if (strcmp(name, "thread") == 0) return serve(run_thread);
  if (strcmp(name, "pipe") == 0) return serve_pipe(0);
  if (strcmp(name, "pipe-apart") == 0) return serve_pipe(1);
  if (strcmp(name, "seek") == 0) return serve_file(seek);
  if (strcmp(name, "read") == 0) return serve_file(read_all);
  return 2;
}
