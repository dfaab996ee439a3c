// SPDX-License-Identifier: Apache-2.0
// Memory: brk, mmap, munmap, mprotect, mremap, and bad pointers in calls.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

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
  *at = 1;
  return 1;
}

static char* fresh(size_t size, int protection) {
  return mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void test_mmap(void) {
  char* memory = fresh(5 * 4096, PROT_READ | PROT_WRITE);
  CHECK(memory != MAP_FAILED && memory[0] == 0 && memory[5 * 4096 - 1] == 0);
  memset(memory, 7, 5 * 4096);
  CHECK(munmap(memory + 4096, 4096) == 0);
  CHECK(can_read(memory) && !can_read(memory + 4096) && memory[2 * 4096] == 7);
  CHECK(mprotect(memory + 3 * 4096, 4096, PROT_READ) == 0);
  CHECK(can_read(memory + 3 * 4096) && !can_write(memory + 3 * 4096) && can_write(memory + 4 * 4096));
  CHECK(mprotect(memory + 3 * 4096, 4096, PROT_READ | PROT_WRITE) == 0 && can_write(memory + 3 * 4096));
  CHECK_ERRNO(mprotect(memory, 5 * 4096, PROT_READ), ENOMEM);
  CHECK(munmap(memory, 5 * 4096) == 0);
  CHECK(munmap(memory, 5 * 4096) == 0);
  CHECK_ERRNO(munmap(memory + 1, 4096), EINVAL);
  CHECK_ERRNO(munmap(memory, 0), EINVAL);
  CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
  CHECK(mmap(NULL, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
  CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF);
  char* wanted = fresh(8192, PROT_READ);
  munmap(wanted, 8192);
  CHECK(mmap(wanted, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == wanted);
  CHECK(mmap(wanted, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED &&
        errno == EEXIST);
}

static void test_reserve(void) {
  const size_t size = 1u << 30;
  char* memory = fresh(size, PROT_NONE);
  CHECK(memory != MAP_FAILED && !can_read(memory));
  CHECK(mprotect(memory + (16 << 20), 65536, PROT_READ | PROT_WRITE) == 0);
  CHECK(can_write(memory + (16 << 20)) && can_write(memory + (16 << 20) + 65535) && !can_read(memory + (16 << 20) - 1));
  CHECK(munmap(memory, size) == 0);
}

static void test_mremap(void) {
  char* memory = fresh(4 * 4096, PROT_READ | PROT_WRITE);
  for (int i = 0; i < 4; ++i) memory[i * 4096] = (char)i;
  char* larger = mremap(memory, 4 * 4096, 64 * 4096, MREMAP_MAYMOVE);
  CHECK(larger != MAP_FAILED && larger[4096] == 1 && larger[3 * 4096] == 3 && larger[63 * 4096] == 0);
  char* smaller = mremap(larger, 64 * 4096, 2 * 4096, 0);
  CHECK(smaller == larger && larger[4096] == 1 && !can_read(larger + 2 * 4096));
  CHECK_ERRNO((long)mremap((void*)4096, 4096, 8192, MREMAP_MAYMOVE), EFAULT);
}

static void test_brk(void) {
  char* start = sbrk(0);
  CHECK(sbrk(100000) == start);
  memset(start, 9, 100000);
  CHECK(brk(start) == 0);
  CHECK(sbrk(100000) == start && start[0] == 0 && start[99999] == 0);
  CHECK(brk(start) == 0);
}

static void test_sharing(void) {
  int* shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int* private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *shared = *private = 1;
  if (fork() == 0) {
    *shared = *private = 2;
    _exit(0);
  }
  wait(NULL);
  CHECK(*shared == 2 && *private == 1);
}

static void test_files(void) {
  char name[64];
  snprintf(name, sizeof name, "%s/memory-XXXXXX", scratch_folder());
  int file = mkstemp(name);
  CHECK(file >= 0 && write(file, "0123456789", 10) == 10);
  char* mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  CHECK(mapped != MAP_FAILED);
  if (mapped == MAP_FAILED) return;
  CHECK(memcmp(mapped, "0123456789", 10) == 0 && mapped[10] == 0);
  mapped[0] = 'x';
  char byte = 0;
  CHECK(pread(file, &byte, 1, 0) == 1 && byte == '0');
  close(file);
  unlink(name);
}

/* A page, a hole, a page. */
static char* with_hole(void) {
  char* memory = fresh(3 * 4096, PROT_READ | PROT_WRITE);
  CHECK(munmap(memory + 4096, 4096) == 0);
  return memory;
}

static void test_advice(void) {
  char* memory = with_hole();
  memory[0] = memory[2 * 4096] = 1;
  CHECK(madvise(memory, 4096, MADV_WILLNEED) == 0 && memory[0] == 1);
  CHECK(madvise(memory, 4096, MADV_SEQUENTIAL) == 0 && madvise(memory, 4096, MADV_DONTDUMP) == 0);
  CHECK(madvise(memory, 4096, MADV_DONTNEED) == 0 && memory[0] == 0);
  memory[0] = 1;
  CHECK_ERRNO(madvise(memory, 3 * 4096, MADV_DONTNEED), ENOMEM);
  CHECK(memory[0] == 0 && memory[2 * 4096] == 0);  // what is there was done
  CHECK_ERRNO(madvise(memory + 1, 4096, MADV_DONTNEED), EINVAL);
  CHECK_ERRNO(madvise(memory, 4096, 7777), EINVAL);
  CHECK_ERRNO(madvise(memory, (size_t)-4096, MADV_DONTNEED), EINVAL);
  CHECK(madvise(memory, 0, MADV_DONTNEED) == 0);
  munmap(memory, 3 * 4096);
}

static long locked_kib(void) {
  FILE* status = fopen("/proc/self/status", "r");
  char line[256];
  long found = -1;
  while (fgets(line, sizeof line, status) != NULL)
    if (sscanf(line, "VmLck: %ld", &found) == 1) break;
  fclose(status);
  return found;
}

/* Whoever may not lock as much as he likes (`allowed` bytes) is refused beyond. */
static void lock_up_to(size_t allowed) {
  const struct rlimit limit = {allowed, allowed};
  const size_t page = 4096;
  CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
  CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
  char* memory = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (allowed == 0) {
    CHECK_ERRNO(mlock(memory, page), EPERM);
    CHECK_ERRNO(mlockall(MCL_CURRENT), EPERM);
    CHECK_ERRNO(mlockall(MCL_FUTURE), EPERM);
    CHECK(mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED && errno == EPERM);
    CHECK(munlock(memory, page) == 0 && munlockall() == 0);
    return;
  }
  CHECK(mlock(memory, allowed) == 0 && mlock(memory, allowed) == 0 && locked_kib() == (long)(allowed >> 10));
  CHECK_ERRNO(mlock(memory + allowed, 1), ENOMEM);
  CHECK_ERRNO(mlock(memory + page, allowed), ENOMEM);
  CHECK(munlock(memory + page, page) == 0 && locked_kib() == (long)((allowed - page) >> 10));
  CHECK(mlock(memory + 60 * page + 5, 1) == 0);
  CHECK(mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED && errno == EAGAIN);
  CHECK(mremap(memory + 60 * page, page, 2 * page, MREMAP_MAYMOVE) == MAP_FAILED && errno == EAGAIN);
  CHECK_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
  CHECK(munmap(memory, 2 * page) == 0 && locked_kib() == (long)((allowed - page) >> 10));
  const pid_t child = fork();
  if (child == 0) _exit(locked_kib() != 0);  // locks are not inherited
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(munlockall() == 0 && locked_kib() == 0);
  CHECK(mlockall(MCL_FUTURE) == 0 && locked_kib() == 0);
  char* more = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(more != MAP_FAILED && locked_kib() == 8);
  CHECK(mmap(NULL, allowed, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EAGAIN);
  const long before = syscall(SYS_brk, 0);
  CHECK(syscall(SYS_brk, before + (long)allowed) == before);
  CHECK(munlockall() == 0 && syscall(SYS_brk, before + (long)allowed) == before + (long)allowed);
}

static void test_lock_limit(void) {
  const size_t limits[] = {0, 16 * 4096};
  for (int i = 0; i < 2; ++i) {
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      failures = 0;
      lock_up_to(limits[i]);
      fflush(stdout);
      _exit(failures != 0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
}

static void test_locks(void) {
  char* memory = with_hole();
  CHECK(mlock(memory, 4096) == 0 && mlock(memory + 5, 10) == 0 && munlock(memory, 4096) == 0);
  CHECK_ERRNO(mlock(memory, 3 * 4096), ENOMEM);
  CHECK_ERRNO(munlock(memory, 3 * 4096), ENOMEM);
  CHECK(mlock2(memory, 4096, 0) == 0 && mlock2(memory, 4096, MLOCK_ONFAULT) == 0);
  CHECK_ERRNO(mlock2(memory, 4096, 8), EINVAL);
  CHECK_ERRNO(mlockall(0), EINVAL);
  CHECK_ERRNO(mlockall(64), EINVAL);
  CHECK(munlockall() == 0);
  unsigned char there[2] = {7, 7};
  memory[0] = 1;
  CHECK(mincore(memory, 4096, there) == 0 && (there[0] & 1) == 1 && there[1] == 7);
  CHECK_ERRNO(mincore(memory, 3 * 4096, there), ENOMEM);
  CHECK_ERRNO(mincore(memory + 1, 4096, there), EINVAL);
  CHECK_ERRNO(mincore(memory, 4096, NULL), EFAULT);
  CHECK(msync(memory, 4096, MS_SYNC) == 0 && msync(memory, 4096, MS_ASYNC | MS_INVALIDATE) == 0);
  CHECK_ERRNO(msync(memory, 3 * 4096, MS_SYNC), ENOMEM);
  CHECK_ERRNO(msync(memory, 4096, MS_SYNC | MS_ASYNC), EINVAL);
  CHECK_ERRNO(msync(memory, 4096, 64), EINVAL);
  CHECK_ERRNO(msync(memory + 1, 4096, MS_SYNC), EINVAL);
  munmap(memory, 3 * 4096);
}

static void test_bad_pointers(void) {
  char* const bad[] = {NULL, (char*)8, (char*)-1, (char*)0x7fffffffffff, (char*)0xffff800000000000};
  int ends[2];
  struct stat status;
  CHECK(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3);
  for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
    CHECK_ERRNO(read(ends[0], bad[i], 3), EFAULT);
    CHECK_ERRNO(write(ends[1], bad[i], 3), EFAULT);
    CHECK_ERRNO(open(bad[i], O_RDONLY), EFAULT);
    CHECK_ERRNO(stat(bad[i], &status), EFAULT);
    CHECK_ERRNO(pipe((int*)bad[i]), EFAULT);
    CHECK_ERRNO(readv(ends[0], (struct iovec*)bad[i], 1), EFAULT);
  }
}

int main(void) {
  signal(SIGSEGV, jump);
  signal(SIGBUS, jump);
  test_mmap();
  test_reserve();
  test_mremap();
  test_brk();
  test_sharing();
  test_files();
  test_advice();
  test_locks();
  test_lock_limit();
  test_bad_pointers();
  return conclude("memory");
}
