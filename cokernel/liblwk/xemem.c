/* SPDX-License-Identifier: Apache-2.0 */
/* hobbes/xemem.h for programs of a co-kernel: its kernel knows segments and attachments, the handles are kept here. */
#define _GNU_SOURCE
#include <errno.h>
#include <hobbes/xemem.h>
#include <hobbes/xpmem.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cokernel/liblwk/lwk.h"
#include "cokernel/liblwk/xemem_make.h"
#include "kernel-bridge/abi/xemem.h"

enum { page = 4096, looks = 4096, first_signal = 0x40000000, signals = page / sizeof(uint64_t), growth = 64 };

struct handle {
  int used, writable;
  xemem_segid_t segid;
};
struct attachment {
  void* address; /* NULL: a free place */
  size_t size;
};
struct list { /* of things of one size, which grows and keeps their places */
  void* at;
  size_t count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static struct list handles, attachments, allocations;
static uint64_t words[signals] __attribute__((aligned(4096)));
static xemem_segid_t signalled[signals]; /* the segment of each word; 0: a free word */

static long failed(int error) {
  errno = error;
  return -1;
}

static int is_range(const void* address, size_t size) {
  return (uintptr_t)address % page == 0 && size % page == 0 && size <= UINTPTR_MAX - (uintptr_t)address;
}

static int grow(struct list* list, size_t size) {
  void* larger = realloc(list->at, (list->count + growth) * size);
  if (larger == NULL) return 0;
  memset((char*)larger + list->count * size, 0, growth * size);
  list->at = larger;
  list->count += growth;
  return 1;
}

static mode_t mode_of_new_files(void) {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

static xemem_segid_t make_as(void* address, size_t size, const char* name, mode_t mode, xemem_segid_t wanted,
                             uint64_t* word, int replace) {
  if (name != NULL && strnlen(name, XEMEM_NAME_MAX + 1) > XEMEM_NAME_MAX) return failed(ENAMETOOLONG);
  if (!is_range(address, size) || (size == 0 && word == NULL)) return failed(EINVAL);
  const struct hobbes_xemem_make request = {.address = (uintptr_t)address,
                                            .size = size,
                                            .name = (uintptr_t)name,
                                            .signal = (uintptr_t)word,
                                            .segment = (uint64_t)wanted,
                                            .mode = mode,
                                            .replace = (uint64_t)replace};
  return lwk_call(LWK_XEMEM_MAKE, (long)&request, 0, 0, 0, 0, 0);
}

static xemem_segid_t make(void* address, size_t size, const char* name, mode_t mode, xemem_segid_t wanted,
                          uint64_t* word) {
  return make_as(address, size, name, mode, wanted, word, 0);
}

xemem_segid_t lwk_xemem_make(void* vaddr, size_t size, const char* name, mode_t mode, int replace) {
  return make_as(vaddr, size, name, mode, 0, NULL, replace);
}

xemem_segid_t xemem_make(void* vaddr, size_t size, const char* name) {
  return make(vaddr, size, name, mode_of_new_files(), 0, NULL);
}

xemem_segid_t xemem_make_mode(void* vaddr, size_t size, const char* name, mode_t mode) {
  return make(vaddr, size, name, mode, 0, NULL);
}

int xemem_make_segid(void* vaddr, size_t size, const char* name, xemem_segid_t request) {
  if (request < 1) return (int)failed(EINVAL);
  return make(vaddr, size, name, mode_of_new_files(), request, NULL) == request ? 0 : -1;
}

xemem_segid_t xemem_make_signalled(void* vaddr, size_t size, const char* name, int* fd) {
  if (fd == NULL) return failed(EINVAL);
  pthread_mutex_lock(&lock);
  size_t number = 0;
  while (number < signals && signalled[number] != 0) ++number;
  xemem_segid_t segid = -1;
  if (number == signals) {
    errno = ENOMEM;
  } else {
    __atomic_store_n(&words[number], HOBBES_XEMEM_COUNTS, __ATOMIC_SEQ_CST);
    segid = make(vaddr, size, name, mode_of_new_files(), 0, &words[number]);
  }
  if (segid > 0) {
    signalled[number] = segid;
    *fd = first_signal + (int)number;
  }
  pthread_mutex_unlock(&lock);
  return segid;
}

int xemem_remove(xemem_segid_t segid) {
  if (lwk_call(LWK_XEMEM_REMOVE, (long)segid, 0, 0, 0, 0, 0) != 0) return -1;
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < signals; ++i)
    if (signalled[i] == segid) signalled[i] = 0;
  pthread_mutex_unlock(&lock);
  return 0;
}

static uint64_t* word_of(int fd) {
  if (fd >= first_signal && fd < first_signal + signals && signalled[fd - first_signal] != 0)
    return &words[fd - first_signal];
  errno = EBADF;
  return NULL;
}

/* acquire: what was written before the signal. */
static int take(uint64_t* word) {
  uint64_t seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
  while ((seen & HOBBES_XEMEM_COUNT_MASK) != 0)
    if (__atomic_compare_exchange_n(word, &seen, seen - 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return 1;
  return 0;
}

int xemem_ack(int fd) {
  uint64_t* word = word_of(fd);
  if (word == NULL) return -1;
  return take(word) ? 0 : (int)failed(EAGAIN);
}

int xemem_ack_all(int fd) {
  uint64_t* word = word_of(fd);
  if (word == NULL) return -1;
  while (take(word)) {}
  return 0;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

int xemem_wait_signal(int fd, int timeout_ms) {
  uint64_t* word = word_of(fd);
  if (word == NULL) return -1;
  for (int i = 0; i < looks; ++i) {
    if (take(word)) return 0;
    __builtin_ia32_pause();
  }
  const int64_t until = now_ns() + timeout_ms * 1000000ll;
  /* The bit stays: several may sleep, and a wake-up for nobody is harmless. */
  __atomic_fetch_or(word, HOBBES_XEMEM_SLEEPS, __ATOMIC_SEQ_CST);
  while (!take(word)) {
    const int64_t left = timeout_ms < 0 ? -1 : until - now_ns();
    if (timeout_ms >= 0 && left <= 0) return (int)failed(ETIMEDOUT);
    if (lwk_call(LWK_XEMEM_WAIT, (long)word, (long)left, 0, 0, 0, 0) != 0 && errno != ETIMEDOUT && errno != EINTR)
      return -1;
  }
  return 0;
}

xemem_segid_t xemem_lookup_segid(const char* name) {
  if (name == NULL || *name == '\0') return failed(EINVAL);
  return lwk_call(LWK_XEMEM_LOOKUP, (long)name, 0, 0, 0, 0, 0);
}

xemem_segid_t xemem_wait_name(const char* name, int timeout_ms) {
  const int64_t until = now_ns() + timeout_ms * 1000000ll;
  while (1) {
    const xemem_segid_t segid = xemem_lookup_segid(name);
    if (segid > 0 || errno != ENOENT) return segid;
    if (timeout_ms >= 0 && now_ns() >= until) return failed(ETIMEDOUT);
    const struct timespec step = {0, 2000000}; /* each look asks leviathan */
    nanosleep(&step, NULL);
  }
}

/* One question for each: there is no other way to see leviathan's records from here. */
struct xemem_segment* xemem_get_segment_list(int* count) {
  if (count == NULL) return errno = EINVAL, NULL;
  struct list all = {calloc(1, sizeof(struct xemem_segment)), 1}; /* never NULL, for none */
  xemem_segid_t last = 0;
  for (*count = 0; all.at != NULL; ++*count) {
    if ((size_t)*count == all.count && !grow(&all, sizeof(struct xemem_segment))) break;
    struct xemem_segment* row = (struct xemem_segment*)all.at + *count;
    if (lwk_call(LWK_XEMEM_NEXT, (long)last, (long)row, 0, 0, 0, 0) == 0) last = row->segid;
    else if (errno == ENOENT) return all.at;
    else break;
  }
  free(all.at);
  return NULL;
}

xemem_apid_t xemem_get(xemem_segid_t segid, int flags) {
  uint64_t size = 0;
  if (flags != XEMEM_RDONLY && flags != XEMEM_RDWR) return failed(EINVAL);
  if (lwk_call(LWK_XEMEM_GET, (long)segid, flags == XEMEM_RDWR, (long)&size, 0, 0, 0) != 0) return -1;
  pthread_mutex_lock(&lock);
  size_t place = 0;
  while (place < handles.count && ((struct handle*)handles.at)[place].used) ++place;
  const int fits = place < handles.count || grow(&handles, sizeof(struct handle));
  if (fits) ((struct handle*)handles.at)[place] = (struct handle){1, flags == XEMEM_RDWR, segid};
  pthread_mutex_unlock(&lock);
  return fits ? (xemem_apid_t)place + 1 : failed(ENOMEM);
}

/* What the handle is of; its place is free then, if it is released. */
static int find_handle(xemem_apid_t apid, int release, struct handle* found) {
  pthread_mutex_lock(&lock);
  struct handle* all = handles.at;
  const int known = apid > 0 && (uint64_t)apid <= handles.count && all[apid - 1].used;
  if (known) *found = all[apid - 1];
  if (known && release) all[apid - 1].used = 0;
  pthread_mutex_unlock(&lock);
  return known ? 0 : (int)failed(EINVAL);
}

int xemem_release(xemem_apid_t apid) {
  struct handle released;
  return find_handle(apid, 1, &released);
}

/* Notes a mapping that xemem_detach() or xemem_free() is to find. */
static int note(struct list* list, void* address, size_t size) {
  pthread_mutex_lock(&lock);
  size_t place = 0;
  while (place < list->count && ((struct attachment*)list->at)[place].address != NULL) ++place;
  const int fits = place < list->count || grow(list, sizeof(struct attachment));
  if (fits) ((struct attachment*)list->at)[place] = (struct attachment){address, size};
  pthread_mutex_unlock(&lock);
  return fits;
}

static int unmap_noted(struct list* list, void* address) {
  size_t size = 0;
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < list->count && address != NULL; ++i) {
    struct attachment* known = (struct attachment*)list->at + i;
    if (known->address != address) continue;
    size = known->size;
    known->address = NULL;
    break;
  }
  pthread_mutex_unlock(&lock);
  return size > 0 ? munmap(address, size) : (int)failed(EINVAL);
}

void* xemem_attach(struct xemem_addr addr, size_t size, void* vaddr) {
  struct handle handle;
  if (find_handle(addr.apid, 0, &handle) != 0) return XEMEM_FAILED;
  const long place = addr.offset < 0 ? failed(EINVAL)
                                     : lwk_call(LWK_XEMEM_ATTACH, (long)handle.segid, (long)addr.offset, (long)size,
                                                (long)vaddr, handle.writable, 0);
  if (place == -1) return XEMEM_FAILED;
  if (note(&attachments, (void*)place, size)) return (void*)place;
  munmap((void*)place, size);
  errno = ENOMEM;
  return XEMEM_FAILED;
}

void* xemem_attach_nocache(struct xemem_addr addr, size_t size, void* vaddr) { return xemem_attach(addr, size, vaddr); }

int xemem_detach(void* vaddr) { return unmap_noted(&attachments, vaddr); }

int xemem_signal(xemem_apid_t apid) {
  struct handle handle;
  if (find_handle(apid, 0, &handle) != 0) return -1;
  if (lwk_call(LWK_XEMEM_SIGNAL, (long)handle.segid, 0, 0, 0, 0, 0) == 0) return 0;
  return (int)failed(errno == ENOENT ? EPIPE : errno);
}

int xemem_signal_segid(xemem_segid_t segid) { return (int)lwk_call(LWK_XEMEM_SIGNAL, (long)segid, 0, 0, 0, 0, 0); }

void* xemem_alloc(size_t size) {
  if (size == 0 || size % page != 0) return errno = EINVAL, NULL;
  void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  if (note(&allocations, memory, size)) return memory;
  munmap(memory, size);
  return errno = ENOMEM, NULL;
}

int xemem_free(void* vaddr) { return unmap_noted(&allocations, vaddr); }

xpmem_segid_t xpmem_make(void* vaddr, size_t size, int permit_type, void* permit_value) {
  if (permit_type != XPMEM_PERMIT_MODE || size == XPMEM_MAXADDR_SIZE) return failed(EINVAL);
  return make(vaddr, size, NULL, (mode_t)(uintptr_t)permit_value, 0, NULL);
}

xpmem_apid_t xpmem_get(xpmem_segid_t segid, int flags, int permit_type, void* permit_value) {
  (void)permit_value;
  if (permit_type != XPMEM_PERMIT_MODE) return failed(EINVAL);
  return xemem_get(segid, flags);
}
