/* SPDX-License-Identifier: Apache-2.0 */
/* hobbes/xasm.h for programs of a co-kernel. A version is a segment of the range's pages as they are; the kernel holds
 * them. When the producer writes to a protected part, a copy takes its place in the address space, and the pages stay
 * the version's. */
#define _GNU_SOURCE
#include <errno.h>
#include <hobbes/xasm.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "cokernel/liblwk/xemem_make.h"

enum { page = 4096, most_ranges = 64 };
#define PART ((uintptr_t)2 << 20) /* a large page: what is copied at once */

struct range {
  uintptr_t start, end;
  unsigned char* protected; /* of each part */
  int busy;                 /* a lock that a signal handler may take */
};

static struct range ranges[most_ranges];
static int range_count; /* atomic: ranges before it are complete */
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction handler_before;

static void lock(struct range* range) {
  while (__atomic_exchange_n(&range->busy, 1, __ATOMIC_ACQUIRE)) __builtin_ia32_pause();
}
static void unlock(struct range* range) { __atomic_store_n(&range->busy, 0, __ATOMIC_RELEASE); }

static size_t part_of(const struct range* range, uintptr_t address) { return address / PART - range->start / PART; }

static struct range* range_at(uintptr_t address) {
  const int count = __atomic_load_n(&range_count, __ATOMIC_ACQUIRE);
  for (int i = 0; i < count; ++i)
    if (address >= ranges[i].start && address < ranges[i].end) return &ranges[i];
  return NULL;
}

/* A copy takes the place of a part. 0: there is no memory for it. */
static int move_away(struct range* range, uintptr_t address) {
  const uintptr_t boundary = address / PART * PART;
  const uintptr_t start = boundary > range->start ? boundary : range->start;
  const uintptr_t end = boundary + PART < range->end ? boundary + PART : range->end;
  void* copy = mmap(NULL, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) return 0;
  memcpy(copy, (void*)start, end - start);
  if (mremap(copy, end - start, end - start, MREMAP_MAYMOVE | MREMAP_FIXED, (void*)start) != MAP_FAILED) return 1;
  munmap(copy, end - start);
  return 0;
}

static void on_fault(int signal, siginfo_t* info, void* context) {
  const uintptr_t address = (uintptr_t)info->si_addr;
  struct range* range = range_at(address);
  if (range != NULL) {
    const int kept = errno;
    lock(range);
    unsigned char* protected = &range->protected[part_of(range, address)];
    int done = !*protected; /* another thread has done it meanwhile */
    if (!done && move_away(range, address)) {
      *protected = 0;
      done = 1;
    }
    unlock(range);
    errno = kept;
    if (done) return;
  }
  if (handler_before.sa_flags & SA_SIGINFO) handler_before.sa_sigaction(signal, info, context);
  else if (handler_before.sa_handler != SIG_DFL && handler_before.sa_handler != SIG_IGN)
    handler_before.sa_handler(signal);
  else sigaction(signal, &handler_before, NULL); /* it faults again, and ends */
}

static int install_handler(void) {
  struct sigaction ours;
  memset(&ours, 0, sizeof(ours));
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&ours.sa_mask);
  return sigaction(SIGSEGV, &ours, &handler_before);
}

static struct range* add_range(uintptr_t start, uintptr_t end) {
  struct range* added = NULL;
  pthread_mutex_lock(&adding);
  int clashes = 0;
  for (int i = 0; i < range_count; ++i) {
    if (ranges[i].start == start && ranges[i].end == end) added = &ranges[i];
    clashes = clashes || (start < ranges[i].end && ranges[i].start < end);
  }
  if (added == NULL) {
    errno = clashes ? EINVAL : ENOMEM;
    if (!clashes && range_count < most_ranges && (range_count > 0 || install_handler() == 0)) {
      struct range* free_one = &ranges[range_count];
      free_one->start = start;
      free_one->end = end;
      free_one->protected = calloc((end - 1) / PART - start / PART + 1, 1);
      if (free_one->protected != NULL) {
        __atomic_store_n(&range_count, range_count + 1, __ATOMIC_RELEASE);
        added = free_one;
      }
    }
  }
  pthread_mutex_unlock(&adding);
  return added;
}

xemem_segid_t xasm_snapshot(void* vaddr, size_t size, const char* name, mode_t mode) {
  const uintptr_t start = (uintptr_t)vaddr;
  if (start % page != 0 || size % page != 0 || size == 0 || size > UINTPTR_MAX - start || name == NULL)
    return errno = EINVAL, -1;
  struct range* range = add_range(start, start + size);
  if (range == NULL) return -1;
  lock(range);
  xemem_segid_t version = -1;
  const size_t parts = part_of(range, range->end - 1) + 1;
  if (mprotect(vaddr, size, PROT_READ) == 0) {
    memset(range->protected, 1, parts);
    version = lwk_xemem_make(vaddr, size, name, mode, 1);
  }
  unlock(range);
  return version;
}

xemem_segid_t xasm_wait(const char* name, xemem_segid_t after, int timeout_ms) {
  int64_t left_ns = timeout_ms * 1000000ll;
  const struct timespec step = {0, 2000000};
  while (1) {
    const xemem_segid_t version = xemem_lookup_segid(name);
    if (version > after || (version < 0 && errno != ENOENT)) return version;
    if (timeout_ms >= 0 && left_ns <= 0) return errno = ETIMEDOUT, -1;
    nanosleep(&step, NULL);
    left_ns -= step.tv_nsec;
  }
}
