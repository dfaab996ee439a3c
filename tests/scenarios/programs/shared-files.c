// SPDX-License-Identifier: Apache-2.0
// Files in memory: memfd and its seals, shared mappings of them and of /dev/shm, their sizes and holes.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096L

static int make(const char* name, unsigned flags) { return (int)syscall(SYS_memfd_create, name, flags); }

static char* map(int fd, long size, int protection, int flags, long offset) {
  void* at = mmap(NULL, (size_t)size, protection, flags, fd, offset);
  return at == MAP_FAILED ? NULL : at;
}

static void making(void) {
  char name[300], target[64];
  memset(name, 'n', sizeof name);
  name[250] = 0;
  CHECK_ERRNO(make("x", 0x100), EINVAL);
  CHECK_ERRNO(make(name, 0), EINVAL);
  CHECK_ERRNO(make((void*)0x20000, 0), EFAULT);
  name[249] = 0;
  int fd = make(name, MFD_CLOEXEC);
  CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
  close(fd);
  fd = make("a name", 0);
  CHECK(fcntl(fd, F_GETFD) == 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
  struct stat status;
  CHECK(fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0 && status.st_nlink == 0);
  CHECK((status.st_mode & 07777) == 0777);
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, target, sizeof target - 1);
  CHECK(length > 0);
  target[length > 0 ? length : 0] = 0;
  CHECK(strcmp(target, "/memfd:a name (deleted)") == 0);
  CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL);
  CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
  close(fd);
  int ends[2];
  CHECK(pipe(ends) == 0);
  CHECK_ERRNO(fcntl(ends[0], F_GET_SEALS), EINVAL);
  CHECK_ERRNO(fcntl(ends[1], F_ADD_SEALS, 0), EINVAL);
  close(ends[0]), close(ends[1]);
}

static void seals(void) {
  int fd = make("sealed", MFD_ALLOW_SEALING);
  CHECK(fcntl(fd, F_GET_SEALS) == 0);
  CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
  CHECK(ftruncate(fd, 2 * PAGE) == 0);
  CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
  CHECK_ERRNO(ftruncate(fd, PAGE), EPERM);
  CHECK(ftruncate(fd, 3 * PAGE) == 0);
  CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW) == 0);
  CHECK_ERRNO(ftruncate(fd, 4 * PAGE), EPERM);
  CHECK_ERRNO(fallocate(fd, 0, 0, 4 * PAGE), EPERM);
  CHECK_ERRNO(pwrite(fd, "x", 1, 3 * PAGE), EPERM);
  CHECK(pwrite(fd, "x", 1, 3 * PAGE - 1) == 1);
  CHECK(ftruncate(fd, 3 * PAGE) == 0);

  char* shared = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  CHECK(shared != NULL);
  CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
  CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0);
  shared[0] = 'm';  // the mapping stays as it is
  CHECK_ERRNO(pwrite(fd, "x", 1, 0), EPERM);
  CHECK(map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0) == NULL && errno == EPERM);
  CHECK(munmap(shared, PAGE) == 0);
  CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
  CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
  CHECK_ERRNO(write(fd, "x", 1), EPERM);
  shared = map(fd, PAGE, PROT_READ, MAP_SHARED, 0);
  CHECK(shared != NULL && shared[0] == 'm');
  CHECK_ERRNO(mprotect(shared, PAGE, PROT_READ | PROT_WRITE), EACCES);
  char* own = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
  CHECK(own != NULL);
  own[0] = 'p';
  CHECK(shared[0] == 'm');
  CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0);
  CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
  CHECK(fcntl(fd, F_GET_SEALS) == (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
  munmap(shared, PAGE), munmap(own, PAGE), close(fd);
}

static void sharing(void) {
  int fd = make("shared", 0);
  CHECK(ftruncate(fd, 4 * PAGE) == 0);
  CHECK(pwrite(fd, "from write", 11, PAGE) == 11);
  char* one = map(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  char* two = map(fd, PAGE, PROT_READ, MAP_SHARED, PAGE);
  CHECK(one != NULL && two != NULL);
  CHECK(strcmp(two, "from write") == 0);
  strcpy(one + PAGE, "from memory");
  CHECK(strcmp(two, "from memory") == 0);
  char text[32] = "";
  CHECK(pread(fd, text, 12, PAGE) == 12 && strcmp(text, "from memory") == 0);
  CHECK(pwrite(fd, "again", 6, PAGE) == 6 && strcmp(two, "again") == 0);
  CHECK(one[2 * PAGE] == 0 && one[4 * PAGE - 1] == 0);
  pid_t child = fork();
  if (child == 0) {
    strcpy(one + 2 * PAGE, "from the child");
    _exit(strcmp(two, "again") != 0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(strcmp(one + 2 * PAGE, "from the child") == 0);
  CHECK(munmap(one, PAGE) == 0);  // its first page only
  CHECK(strcmp(one + 2 * PAGE, "from the child") == 0);
  CHECK(munmap(one + PAGE, 3 * PAGE) == 0 && strcmp(two, "again") == 0);
  close(fd);
  CHECK(strcmp(two, "again") == 0);  // a mapping outlives its descriptor
  CHECK(munmap(two, PAGE) == 0);
}

static void sizes(void) {
  int fd = make("sizes", 0);
  CHECK(ftruncate(fd, PAGE) == 0);
  char* at = map(fd, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  at[0] = 'a';
  CHECK(ftruncate(fd, 3 * PAGE) == 0);  // what lay behind the end is the file's now
  at[2 * PAGE] = 'c';
  char byte = 0;
  CHECK(pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 'c');
  CHECK(ftruncate(fd, 100) == 0 && ftruncate(fd, 3 * PAGE) == 0);
  CHECK(at[0] == 'a' && at[2 * PAGE] == 0);
  at[2 * PAGE] = 'd';
  CHECK(pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 'd');

  CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE, PAGE) == 0);
  CHECK(at[2 * PAGE] == 0 && at[0] == 'a');
  at[100] = 'h';
  CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50, 100) == 0);
  CHECK(at[100] == 0 && at[0] == 'a');
  struct stat status;
  CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8 * PAGE) == 0);
  CHECK(fstat(fd, &status) == 0 && status.st_size == 3 * PAGE);
  CHECK(fallocate(fd, 0, 0, 8 * PAGE) == 0);
  CHECK(fstat(fd, &status) == 0 && status.st_size == 8 * PAGE);
  CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
  CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
  CHECK_ERRNO(fallocate(fd, 0, -1, 1), EINVAL);
  CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
  CHECK_ERRNO(fallocate(99, 0, 0, 1), EBADF);
  munmap(at, 3 * PAGE), close(fd);
}

static void rights(void) {
  const char* name = "/conformance-shared-files";
  shm_unlink(name);
  CHECK_ERRNO(shm_open(name, O_RDWR, 0), ENOENT);
  int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  CHECK(fd >= 0);
  CHECK_ERRNO(shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
  CHECK(ftruncate(fd, PAGE) == 0);
  CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL);
  int reader = shm_open(name, O_RDONLY, 0);
  char* shared = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  char* seen = map(reader, PAGE, PROT_READ, MAP_SHARED, 0);
  CHECK(shared != NULL && seen != NULL);
  shared[5] = 's';
  CHECK(seen[5] == 's');
  CHECK_ERRNO(mprotect(seen, PAGE, PROT_READ | PROT_WRITE), EACCES);
  CHECK(map(reader, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0) == NULL && errno == EACCES);
  CHECK(map(reader, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0) != NULL);
  CHECK(map(fd, PAGE, PROT_READ, MAP_SHARED, 1) == NULL && errno == EINVAL);
  CHECK(mprotect(shared, PAGE, PROT_READ) == 0 && mprotect(shared, PAGE, PROT_READ | PROT_WRITE) == 0);
  CHECK(shm_unlink(name) == 0);
  shared[6] = 't';
  CHECK(seen[6] == 't');
  // Growing in place or elsewhere, a mapping shows more of the file.
  CHECK(ftruncate(fd, 3 * PAGE) == 0 && pwrite(fd, "more", 5, 2 * PAGE) == 5);
  shared = mremap(shared, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
  CHECK(shared != MAP_FAILED && shared[6] == 't' && strcmp(shared + 2 * PAGE, "more") == 0);
  CHECK(madvise(shared, PAGE, MADV_DONTNEED) == 0 && shared[6] == 't');
  CHECK(msync(shared, 3 * PAGE, MS_SYNC) == 0);
  munmap(shared, 3 * PAGE), munmap(seen, PAGE), close(fd), close(reader);
}

static void semaphores(void) {
  const char* name = "/conformance-semaphore";
  sem_unlink(name);
  sem_t* semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
  CHECK(semaphore != SEM_FAILED);
  pid_t child = fork();
  if (child == 0) {
    sem_t* same = sem_open(name, 0);  // another mapping of the same file
    _exit(same == SEM_FAILED || sem_post(same) != 0);
  }
  CHECK(sem_wait(semaphore) == 0);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(sem_close(semaphore) == 0 && sem_unlink(name) == 0);
}

int main(void) {
  making();
  seals();
  sharing();
  sizes();
  rights();
  semaphores();
  return conclude("shared-files");
}
