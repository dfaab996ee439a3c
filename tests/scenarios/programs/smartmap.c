// SPDX-License-Identifier: Apache-2.0
// SMARTMAP: ranks that read and write each other's globals, heap and stack, while these come and go. In an enclave only,
// launched with --use-smartmap and more than one rank.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cokernel/liblwk/lwk.h"
#include "tests/scenarios/programs/check.h"

enum { page = 4096, most = 16, rounds = 33, churns = 150 };
static const uint64_t slot = UINT64_C(1) << 39;

static int rank, ranks;
static atomic_int arrived, released;      // rank 0's count
static atomic_long posted[most];          // each rank's, written by the others
static _Atomic(char*) published;          // of each rank
static atomic_int word;
static int program;                       // how often this process has executed this file

#define OF(r, variable) ((__typeof__(&(variable)))lwk_smartmap_remote((uint32_t)(r), &(variable)))

static sigjmp_buf back;
static void jump(int number) {
  (void)number;
  siglongjmp(back, 1);
}
static int can_read(volatile char* at) {
  if (sigsetjmp(back, 1)) return 0;
  (void)*at;
  return 1;
}
static int can_write(volatile char* at) {
  if (sigsetjmp(back, 1)) return 0;
  *at = 77;
  return 1;
}

/* All that are left meet here, in rank 0's memory. */
static int members;
static void meet(void) {
  const int round = *OF(0, released);
  if (atomic_fetch_add(OF(0, arrived), 1) + 1 == members) {
    *OF(0, arrived) = 0;
    atomic_fetch_add(OF(0, released), 1);
    return;
  }
  while (*OF(0, released) == round) sched_yield();
}

static char* fresh(size_t size, int protection) {
  return mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static int holds(const char* memory, size_t size, char value) {
  for (size_t i = 0; i < size; i += 64)
    if (memory[i] != value) return 0;
  return memory[size - 1] == value;
}

static void test_globals(void) {
  for (int other = 0; other < members; ++other) OF(other, posted[0])[rank] = 1000 + rank;
  meet();
  for (int other = 0; other < members; ++other)
    CHECK(posted[other] == 1000 + other && *OF(rank, posted[other]) == 1000 + other);
  CHECK(lwk_smartmap_local(OF(1, posted)) == (void*)&posted);
  meet();
}

static void test_stack(void) {
  atomic_long local = 0;
  published = (char*)&local;
  meet();
  for (int other = 0; other < members; ++other) {
    atomic_long* theirs = lwk_smartmap_remote((uint32_t)other, *OF(other, published));
    for (int i = 0; i < 1000; ++i) atomic_fetch_add(theirs, 1);
  }
  meet();
  CHECK(local == 1000 * members);
  meet();
}

/* Memory that malloc takes from the heap and from mmap, filled by its rank and changed by the next. */
static void test_heap(size_t size) {
  char* memory = malloc(size);
  memset(memory, 'a' + rank, size);
  published = memory;
  meet();
  for (int other = 0; other < members; ++other)
    CHECK(holds(lwk_smartmap_remote((uint32_t)other, *OF(other, published)), size, (char)('a' + other)));
  meet();
  const int next = (rank + 1) % members;
  memset(lwk_smartmap_remote((uint32_t)next, *OF(next, published)), 'A' + rank, size);
  meet();
  CHECK(holds(memory, size, (char)('A' + (rank + members - 1) % members)));
  free(memory);
  meet();
}

/* What has just been mapped is there for all, what is unmapped for nobody, and mine again is only mine. */
static void test_coming_and_going(void) {
  for (int round = 0; round < rounds; ++round) {
    const size_t size = page << (round % 11);
    char* memory = fresh(size, PROT_READ | PROT_WRITE);
    memset(memory, round, size);
    published = memory;
    meet();
    char* seen[most];
    for (int other = 0; other < members; ++other) {
      seen[other] = lwk_smartmap_remote((uint32_t)other, *OF(other, published));
      CHECK(holds(seen[other], size, (char)round));
    }
    meet();
    munmap(memory, size);
    meet();
    for (int other = 0; other < members; ++other)
      CHECK(!can_read(seen[other]) && !can_write(seen[other] + size - 1));
    meet();
  }
}

static void test_protection(void) {
  char* memory = fresh(4 * page, PROT_NONE);
  published = memory;
  meet();
  const int next = (rank + 1) % members;
  char* theirs = lwk_smartmap_remote((uint32_t)next, *OF(next, published));
  CHECK(!can_read(theirs));
  meet();
  CHECK(mprotect(memory + page, 2 * page, PROT_READ | PROT_WRITE) == 0);
  memory[page] = 5;
  meet();
  CHECK(theirs[page] == 5 && can_write(theirs + 3 * page - 1) && !can_read(theirs + 3 * page));
  meet();
  CHECK(mprotect(memory + page, page, PROT_READ) == 0);
  meet();
  CHECK(can_read(theirs + page) && !can_write(theirs + page) && can_write(theirs + 2 * page));
  meet();
  char* moved = mremap(memory + page, 2 * page, 64 * page, MREMAP_MAYMOVE);
  CHECK(moved != MAP_FAILED);
  published = moved;
  meet();
  if (moved != memory + page) CHECK(!can_read(theirs + page));
  theirs = lwk_smartmap_remote((uint32_t)next, *OF(next, published));
  CHECK(theirs[0] == 5 && theirs[63 * page] == 0 && !can_write(theirs));
  meet();
  munmap(moved, 64 * page);
  munmap(memory, 4 * page);
  char* top = sbrk(3 << 20);
  published = top;
  meet();
  theirs = lwk_smartmap_remote((uint32_t)next, *OF(next, published));
  CHECK(can_write(theirs) && can_write(theirs + (3 << 20) - 1));
  meet();
  sbrk(-(3 << 20));
  meet();
}

/* Nobody waits for anybody: every thread of every rank maps and unmaps, and memory stays its owner's. */
static void* churn(void* seed) {
  unsigned state = (unsigned)(uintptr_t)seed;
  for (int i = 0; i < churns; ++i) {
    const size_t size = page * (1 + (size_t)rand_r(&state) % 64);
    char* memory = fresh(size, PROT_READ | PROT_WRITE);
    const char mark = (char)rand_r(&state);
    memset(lwk_smartmap_remote((uint32_t)rank, memory), mark, size);
    if (i % 3 == 0) sched_yield();
    CHECK(holds(memory, size, mark));
    if (i % 5 == 0) mprotect(memory, page, PROT_READ);
    munmap(memory, size);
  }
  return NULL;
}
static void test_churn(void) {
  pthread_t threads[3];
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 << 10);
  for (int i = 0; i < 3; ++i) pthread_create(&threads[i], &small, churn, (void*)(uintptr_t)(rank * 3 + i + 1));
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  meet();
}

static void test_calls(void) {
  char name[] = "/tmp/smartmap-XXXXXX";
  static char text[3 * page];
  memset(text, '0' + rank, sizeof text);
  meet();
  const int next = (rank + 1) % members;
  char* theirs = OF(next, text[0]);
  int file = mkstemp(name), ends[2];
  CHECK(unlink(name) == 0 && write(file, theirs, sizeof text) == (ssize_t)sizeof text);
  meet();
  CHECK(pread(file, theirs + page, page, 0) == page);  // what was there anyway
  CHECK(pipe(ends) == 0 && write(ends[1], theirs + 7, 100) == 100 && read(ends[0], theirs + 7, 100) == 100);
  CHECK_ERRNO(write(file, (char*)(slot * (uint64_t)(members + 5)), 10), EFAULT);
  CHECK_ERRNO(pread(file, (char*)(slot * (uint64_t)(members + 5)), 10, 0), EFAULT);
  meet();
  CHECK(holds(text, sizeof text, (char)('0' + rank)));
  close(file);
  close(ends[0]);
  close(ends[1]);
  meet();
}

/* The next rank sleeps on a word of mine. */
static void test_futex(void) {
  const int before = (rank + members - 1) % members;
  atomic_int* theirs = OF(before, word);
  while (*theirs == 0) syscall(SYS_futex, theirs, FUTEX_WAIT, 0, NULL, NULL, 0);
  *OF(before, posted[0]) = 2;  // awake
  word = 1;
  while (posted[0] != 2) {
    syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
    sched_yield();
  }
  meet();
}
/* Somebody has to begin: rank 0 does not sleep first. */
static void begin_futexes(void) {
  word = rank == members - 1;
  posted[0] = 0;
  meet();
}

/* A child is no rank: it sees nobody. Nor does one see it. */
static void test_fork(void) {
  const pid_t child = fork();
  if (child == 0) {
    char* memory = fresh(page, PROT_READ | PROT_WRITE);
    const int sees = can_read((char*)OF(0, word)) || can_read((char*)OF(1, word));
    _exit(sees || !can_write(memory) || munmap(memory, page) != 0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(can_read((char*)OF(0, word)));
  meet();
}

static void test_looking_away(void) {
  static uint32_t id;
  CHECK(lwk_aspace_get_myid(&id) == 0);
  meet();
  const int next = (rank + 1) % members;
  const uint32_t theirs = *OF(next, id);
  CHECK_ERRNO(lwk_aspace_smartmap(theirs, id, slot * (uint64_t)(next + 1), slot), EEXIST);
  CHECK_ERRNO(lwk_aspace_smartmap(theirs, theirs, slot * (uint64_t)(next + 1), slot), EPERM);
  meet();
  CHECK(lwk_aspace_unsmartmap(theirs, id) == 0 && !can_read((char*)OF(next, id)));
  CHECK_ERRNO(lwk_aspace_unsmartmap(theirs, id), ENOENT);
  CHECK_ERRNO(lwk_aspace_smartmap(1, id, slot, slot), ESRCH);
  CHECK_ERRNO(lwk_aspace_smartmap(theirs, id, slot * (uint64_t)(members + 3), slot), EINVAL);
  CHECK_ERRNO(lwk_aspace_smartmap(theirs, id, slot * (uint64_t)(next + 1), page), EINVAL);
  CHECK(lwk_aspace_smartmap(theirs, id, slot * (uint64_t)(next + 1), slot) == 0 && *OF(next, id) == theirs);
  meet();
}

static void test_limits(void) {
  CHECK(mmap((void*)(slot * 2), page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED &&
        errno == ENOMEM);
  char* hinted = mmap((void*)(slot * 2), page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK((uint64_t)hinted < slot && munmap(hinted, page) == 0);
  CHECK(munmap((void*)(slot * 2), slot) == 0 && can_read((char*)OF(1, word)));  // nothing of mine is there
  CHECK_ERRNO(mprotect((void*)(slot * 2 + page * 100), page, PROT_NONE), ENOMEM);
  meet();
}

/* The last rank executes this file once more, and is met again; then it ends, and its memory is nobody's. */
static void test_replaced(char** argv) {
  if (rank == members - 1 && program == 0) {
    char* const again[] = {argv[0], "again", NULL};
    *OF(0, word) = 4;
    execv("/proc/self/exe", again);
    CHECK(0);
  }
  if (rank != members - 1) {
    while (*OF(0, word) != 5) sched_yield();
    CHECK(*OF(members - 1, program) == 1);
  } else {
    *OF(0, word) = 5;
  }
  meet();
  if (rank == members - 1) return;
  while (can_read((char*)OF(members - 1, word))) sched_yield();
  --members;
  CHECK(!can_write((char*)OF(members, word)));
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  rank = atoi(getenv("PMI_RANK"));
  ranks = members = atoi(getenv("PMI_SIZE"));
  program = argc > 1;
  signal(SIGSEGV, jump);
  if (program == 0) {
    test_globals();
    test_stack();
    test_heap(1000);
    test_heap(3 << 20);
    test_coming_and_going();
    test_protection();
    test_churn();
    test_calls();
    begin_futexes();
    test_futex();
    test_fork();
    test_looking_away();
    test_limits();
  }
  test_replaced(argv);
  if (rank != ranks - 1) meet();
  printf("rank %d of %d\n", rank, ranks);
  return conclude("smartmap");
}
