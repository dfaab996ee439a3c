// SPDX-License-Identifier: Apache-2.0
// A long day of memory: threads that allocate, reallocate and free pieces of all sizes through the C library, and others
// that map, move, grow, cut and unmap by system calls. In an enclave nothing is lost by it, and nothing becomes slower:
// what a round costs is counted in system calls and in calls of Linux made for them.
//   churn OPERATIONS: as many malloc, realloc and free together
#define _GNU_SOURCE
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cokernel/liblwk/lwk.h"
#include "tests/scenarios/programs/check.h"

enum { allocators = 3, held = 512, tenths = 10, mapped = 48, page = 4096 };
static long per_round;  // operations of an allocator

static uint64_t next(uint64_t* state) {  // xorshift64*
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545f4914f6cdd1d;
}

/* Most are small, some reach the C library's threshold for mappings of their own. */
static size_t some_size(uint64_t* state) {
  const uint64_t random = next(state);
  const unsigned kind = random % 1000;
  if (kind < 900) return 1 + random / 1000 % 512;
  if (kind < 998) return 1 + random / 1000 % 16384;
  return 1 + random / 1000 % (300 << 10);
}

struct piece {
  unsigned char* memory;
  size_t size;
};
static void mark(struct piece* piece, unsigned char value) {
  piece->memory[0] = piece->memory[piece->size - 1] = value;
}
static int is_marked(const struct piece* piece, unsigned char value) {
  return piece->memory[0] == value && piece->memory[piece->size - 1] == value;
}

struct allocator {
  uint64_t state;
  struct piece pieces[held];
  long wrong;
};

static void* allocate_and_free(void* argument) {
  struct allocator* self = argument;
  for (long i = 0; i < per_round; ++i) {
    const unsigned index = next(&self->state) % held;
    struct piece* piece = &self->pieces[index];
    if (piece->memory == NULL) {
      piece->size = some_size(&self->state);
      piece->memory = malloc(piece->size);
    } else if (!is_marked(piece, (unsigned char)index)) {
      ++self->wrong;
    } else if (i % 8 == 0) {
      piece->size = some_size(&self->state);
      piece->memory = realloc(piece->memory, piece->size);
    } else {
      free(piece->memory);
      piece->memory = NULL;
      continue;
    }
    if (piece->memory == NULL) ++self->wrong;
    else mark(piece, (unsigned char)index);
  }
  return NULL;
}

/* Regions that are cut, grown and moved by turns. */
struct mapper {
  uint64_t state;
  struct piece regions[mapped];
  long wrong;
};
static void change_region(struct mapper* self, struct piece* region, unsigned char value) {
  const size_t pages = 1 + next(&self->state) % 96;
  if (region->memory == NULL) {
    region->size = pages * page;
    region->memory = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region->memory == MAP_FAILED || region->memory[region->size / 2] != 0) ++self->wrong;
    mark(region, value);
    return;
  }
  if (!is_marked(region, value)) ++self->wrong;
  const size_t old = region->size;
  switch (next(&self->state) % 4) {
    case 0:  // in the middle a piece goes, then the rest
      if (old > 2 * page && munmap(region->memory + page, page) != 0) ++self->wrong;
      if (munmap(region->memory, old) != 0) ++self->wrong;
      region->memory = NULL;
      return;
    case 1:
      if (mprotect(region->memory, page, PROT_READ) != 0 || mprotect(region->memory, old, PROT_READ | PROT_WRITE) != 0)
        ++self->wrong;
      return;
    default:
      region->size = pages * page;
      region->memory = mremap(region->memory, old, region->size, MREMAP_MAYMOVE);
      if (region->memory == MAP_FAILED) ++self->wrong;
      mark(region, value);
  }
}
static void* map_and_unmap(void* argument) {
  struct mapper* self = argument;
  const long changes = per_round / 100 + 100;
  for (long i = 0; i < changes; ++i) {
    const unsigned index = next(&self->state) % mapped;
    change_region(self, &self->regions[index], (unsigned char)index);
  }
  return NULL;
}

static struct allocator all[allocators];
static struct mapper mapper;

/* Everything is given back at the end of a round, so rounds are alike. */
static void give_back(void) {
  for (int i = 0; i < allocators; ++i)
    for (int j = 0; j < held; ++j) {
      free(all[i].pieces[j].memory);
      all[i].pieces[j].memory = NULL;
    }
  for (int j = 0; j < mapped; ++j) {
    if (mapper.regions[j].memory != NULL) munmap(mapper.regions[j].memory, mapper.regions[j].size);
    mapper.regions[j].memory = NULL;
  }
  malloc_trim(0);
}

static void run_round(void) {
  pthread_t threads[allocators + 1];
  for (int i = 0; i < allocators; ++i) pthread_create(&threads[i], NULL, allocate_and_free, &all[i]);
  pthread_create(&threads[allocators], NULL, map_and_unmap, &mapper);
  for (int i = 0; i < allocators + 1; ++i) pthread_join(threads[i], NULL);
  give_back();
}

static uint64_t resident_pages(void) {
  unsigned long size = 0, resident = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  CHECK(file != NULL && fscanf(file, "%lu %lu", &size, &resident) == 2);
  if (file != NULL) fclose(file);
  return resident;
}

int main(int argc, char** argv) {
  const long operations = argc > 1 ? atol(argv[1]) : 1000000;
  per_round = operations / tenths / allocators;
  for (int i = 0; i < allocators; ++i) all[i].state = 88172645463325252u + (uint64_t)i;
  mapper.state = 77;
  run_round();  // the C library has its arenas, the co-kernel its lists
  uint64_t calls[tenths], linux_calls[tenths], resident[tenths];
  double seconds[tenths];
  for (int round = 0; round < tenths; ++round) {
    struct lwk_counters before, after;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    CHECK(lwk_task_counters(&before) == 0);
    run_round();
    CHECK(lwk_task_counters(&after) == 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    calls[round] = after.system_calls - before.system_calls;
    linux_calls[round] = after.linux_calls - before.linux_calls;
    resident[round] = resident_pages();
    seconds[round] = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    printf("tenth %d: %" PRIu64 " calls, %" PRIu64 " of Linux, %" PRIu64 " pages held, %.2f s\n", round + 1,
           calls[round], linux_calls[round], resident[round], seconds[round]);
  }
  for (int i = 0; i < allocators; ++i) CHECK(all[i].wrong == 0);
  CHECK(mapper.wrong == 0);
  // Threads meet differently each time, so arenas grow a little differently; a leak or a list that grows adds up.
  CHECK(calls[tenths - 1] < calls[0] * 3 / 2);
  CHECK(linux_calls[tenths - 1] < linux_calls[0] * 3 / 2);
  CHECK(resident[tenths - 1] < resident[0] + resident[0] / 4);
  return conclude("churn");
}
