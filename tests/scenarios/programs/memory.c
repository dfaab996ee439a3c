// SPDX-License-Identifier: Apache-2.0
// Memory: brk, mmap, munmap, mprotect, mremap, and bad pointers in calls.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
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
  test_bad_pointers();
  return conclude("memory");
}
