// SPDX-License-Identifier: Apache-2.0
// What a program of Linux does with memory, and how many page faults it has while it works: for hpmmap.sh, which runs
// it with and without a reservation. "hpmmap faults" prints the number of the timed part, "hpmmap checks" that all is
// as it should be.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "require.h"

enum { page = 4096, mib = 1 << 20 };

static char zeroes[3 * mib];  // data that a program has from its start
static int data[1024] = {1};

static long faults(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

static void* map(size_t size, int protection) {
  void* memory = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  return memory;
}

/* Touches every page; the compiler must not see through it. */
static void use(volatile char* memory, size_t size) {
  for (size_t at = 0; at < size; at += page) memory[at] = memory[at] + 1;
}

__attribute__((noinline)) static void use_stack(int depth) {
  volatile char frame[16 * page];
  use(frame, sizeof frame);
  if (depth > 0) use_stack(depth - 1);
}

static void* work_of_thread(void* unused) {
  (void)unused;
  long* const had = malloc(sizeof *had);
  const long before = faults();
  use_stack(60);
  *had = faults() - before;
  return had;
}

/* The heap, a large mapping, the stack, the data. */
static void count_faults(void) {
  char* small[256];
  for (int i = 0; i < 256; ++i) small[i] = malloc(8192);
  char* const large = map(24 * mib, PROT_READ | PROT_WRITE);
  char* const parts = map(8 * mib, PROT_READ | PROT_WRITE);
  REQUIRE(mprotect(parts + 3 * mib + page, 5 * page, PROT_READ) == 0);
  REQUIRE(munmap(parts + 6 * mib + 3 * page, 2 * page) == 0);
  (void)faults();
  const long before = faults();
  for (int i = 0; i < 256; ++i) use(small[i], 8192);
  use(large, 24 * mib);
  use(parts, 3 * mib + page);
  use(parts + 3 * mib + 6 * page, 3 * mib - 3 * page);
  use(parts + 6 * mib + 5 * page, 2 * mib - 5 * page);
  use(zeroes, sizeof zeroes);
  use((char*)data, sizeof data);
  use_stack(100);
  const long main_faults = faults() - before;
  pthread_t thread;
  long* had = NULL;
  REQUIRE(pthread_create(&thread, NULL, work_of_thread, NULL) == 0);
  REQUIRE(pthread_join(thread, (void**)&had) == 0);
  printf("faults %ld\n", main_faults + *had);
}

static void check_parts(void) {
  char* const memory = map(6 * mib, PROT_READ | PROT_WRITE);
  for (size_t at = 0; at < 6 * mib; at += page) memory[at] = (char)(at / page);
  REQUIRE(munmap(memory + mib, page) == 0);
  REQUIRE(mprotect(memory + 2 * mib, page, PROT_NONE) == 0);
  REQUIRE(mprotect(memory + 2 * mib, page, PROT_READ) == 0);
  for (size_t at = 0; at < 6 * mib; at += page) REQUIRE(at == mib || memory[at] == (char)(at / page));
  // What was given back and taken again is zero.
  const int again = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  REQUIRE(mmap(memory + mib, page, PROT_READ | PROT_WRITE, again, -1, 0) == memory + mib && memory[mib] == 0);
  memory[3 * mib] = 1;
  REQUIRE(madvise(memory + 3 * mib, page, MADV_DONTNEED) == 0);
  REQUIRE(memory[3 * mib] == 0 && memory[3 * mib + page] != 0);
  REQUIRE(madvise(memory + 3 * mib, page, MADV_REMOVE) == -1);
  REQUIRE(munmap(memory, 6 * mib) == 0);
  unsigned char resident;
  REQUIRE(mincore(memory, page, &resident) == -1);
}

static void check_remap(void) {
  char* memory = map(mib, PROT_READ | PROT_WRITE);
  memset(memory, 7, mib);
  memory = mremap(memory, mib, 9 * mib, MREMAP_MAYMOVE);
  REQUIRE(memory != MAP_FAILED && memory[mib - 1] == 7 && memory[mib] == 0 && memory[9 * mib - 1] == 0);
  memory = mremap(memory, 9 * mib, page, MREMAP_MAYMOVE);
  REQUIRE(memory != MAP_FAILED && memory[page - 1] == 7);
  char* const place = map(mib, PROT_NONE);
  char* const moved = mremap(memory, page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  REQUIRE(moved == place && moved[0] == 7 && moved[page] == 0);
}

/* A file in the middle of addresses that were promised, as libraries are loaded: nothing is mapped over it. */
static void check_file_inside(void) {
  char* const promised = map(4 * mib, PROT_NONE);
  FILE* const file = tmpfile();
  REQUIRE(file != NULL && fwrite("file", 1, 4, file) == 4 && fflush(file) == 0);
  char* const inside = mmap(promised + mib, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, fileno(file), 0);
  REQUIRE(inside == promised + mib);
  REQUIRE(munmap(promised, mib) == 0 && munmap(inside + page, 3 * mib - page) == 0);
  for (int i = 0; i < 2000; ++i) memset(map(page << (i % 3), PROT_READ | PROT_WRITE), 1, page);
  REQUIRE(memcmp(inside, "file", 4) == 0);
  fclose(file);
}

static void check_promise(void) {
  char* const promised = map(64 * mib, PROT_NONE);
  REQUIRE(mprotect(promised + 5 * page, 3 * mib, PROT_READ | PROT_WRITE) == 0);
  use(promised + 5 * page, 3 * mib);
  REQUIRE(munmap(promised, 64 * mib) == 0);
}

static void check_fork(void) {
  char* const own = map(3 * mib, PROT_READ | PROT_WRITE);
  char* const shared = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char on_stack = 1;
  own[5] = zeroes[5] = 1;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    REQUIRE(own[5] == 1 && zeroes[5] == 1 && on_stack == 1);
    own[5] = zeroes[5] = on_stack = 2;
    shared[5] = 3;
    free(malloc(mib));
    _exit(own[5] == 2 && on_stack == 2 ? 0 : 1);
  }
  int status = 1;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  REQUIRE(own[5] == 1 && zeroes[5] == 1 && on_stack == 1 && shared[5] == 3);
  zeroes[5] = 0;
  REQUIRE(system("exit 3") == 3 << 8);
}

static void* allocate_much(void* seed) {
  unsigned random = (unsigned)(uintptr_t)seed;
  unsigned char* blocks[64] = {0};
  size_t sizes[64] = {0};
  for (int i = 0; i < 3000; ++i) {
    const int at = (int)(rand_r(&random) % 64);
    const size_t size = (size_t)rand_r(&random) % (i % 50 == 0 ? 600000 : 5000) + 1;
    for (size_t k = 0; k < sizes[at]; k += 61) REQUIRE(blocks[at][k] == (unsigned char)at);
    blocks[at] = realloc(blocks[at], size);
    REQUIRE(blocks[at] != NULL);
    memset(blocks[at], at, size);
    sizes[at] = size;
  }
  for (int i = 0; i < 64; ++i) free(blocks[i]);
  return NULL;
}

static void check_threads(void) {
  pthread_t threads[4];
  for (int round = 0; round < 3; ++round) {
    for (uintptr_t i = 0; i < 4; ++i) REQUIRE(pthread_create(&threads[i], NULL, allocate_much, (void*)(i + 1)) == 0);
    for (int i = 0; i < 4; ++i) REQUIRE(pthread_join(threads[i], NULL) == 0);
  }
}

/* More than is reserved: it comes from elsewhere, and is memory all the same. */
static void take_more(size_t size) {
  char* const memory = map(size, PROT_READ | PROT_WRITE);
  for (size_t at = 0; at < size; at += page) REQUIRE(memory[at] == 0);
  memset(memory, 5, size);
  char* const heap = malloc(100000);
  memset(heap, 6, 100000);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(memory[size - 1] == 5 && heap[99999] == 6 ? 0 : 1);
  int status = 1;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  char* const grown = mremap(memory, size, size + mib, MREMAP_MAYMOVE);
  REQUIRE(grown != MAP_FAILED && grown[size - 1] == 5 && grown[size] == 0);
  check_threads();
  puts("more");
}

int main(int argc, char** argv) {
  const char* const what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "faults") == 0) {
    count_faults();
  } else if (strcmp(what, "more") == 0 && argc > 2) {
    take_more((size_t)atol(argv[2]) * mib);
  } else {
    check_parts();
    check_remap();
    check_promise();
    check_file_inside();
    check_fork();
    check_threads();
    puts("all right");
  }
  return 0;
}
