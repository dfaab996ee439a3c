// SPDX-License-Identifier: Apache-2.0
// Files of the host, mapped for sharing: what is written in memory is in the file, and the other way round; with other
// processes, futexes, calls that read and write there, and ends that move.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096L

static char path[200];

/* A file of `size` bytes, and its name. */
static int make(long size) {
  snprintf(path, sizeof path, "%s/mapped-files-XXXXXX", scratch_folder());
  int fd = mkstemp(path);
  CHECK(fd >= 0 && ftruncate(fd, size) == 0);
  return fd;
}

static char* map(int fd, long size, int protection, int flags, long offset) {
  void* at = mmap(NULL, (size_t)size, protection, flags, fd, offset);
  return at == MAP_FAILED ? NULL : at;
}

static int exit_of(pid_t child) {
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void coherence(void) {
  int fd = make(4 * PAGE);
  CHECK(pwrite(fd, "from write", 11, PAGE) == 11);
  char* all = map(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  char* part = map(fd, PAGE, PROT_READ, MAP_SHARED, PAGE);
  CHECK(all != NULL && part != NULL && strcmp(part, "from write") == 0);
  strcpy(all + PAGE, "from memory");
  CHECK(strcmp(part, "from memory") == 0);
  char text[32] = "";
  CHECK(pread(fd, text, 12, PAGE) == 12 && strcmp(text, "from memory") == 0);
  CHECK(pwrite(fd, "again", 6, PAGE) == 6 && strcmp(part, "again") == 0);
  int reader = open(path, O_RDONLY);
  char* read_only = map(reader, 4 * PAGE, PROT_READ, MAP_SHARED, 0);
  strcpy(all + 2 * PAGE, "for all");
  CHECK(read_only != NULL && strcmp(read_only + 2 * PAGE, "for all") == 0);
  char* own = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, PAGE);
  strcpy(own, "mine");
  CHECK(strcmp(part, "again") == 0);
  CHECK(close(fd) == 0 && close(reader) == 0);
  all[0] = 'x';  // mappings outlive their descriptors
  CHECK(read_only[0] == 'x' && msync(all, 4 * PAGE, MS_SYNC) == 0 && msync(all, 4 * PAGE, MS_ASYNC) == 0);
  CHECK(munmap(all + PAGE, PAGE) == 0 && all[0] == 'x' && strcmp(all + 2 * PAGE, "for all") == 0);
  CHECK_ERRNO(msync(all, 4 * PAGE, MS_SYNC), ENOMEM);
  munmap(all, 4 * PAGE), munmap(part, PAGE), munmap(read_only, 4 * PAGE), munmap(own, PAGE);
  fd = open(path, O_RDONLY);
  CHECK(pread(fd, text, 1, 0) == 1 && text[0] == 'x');
  CHECK(pread(fd, text, 8, 2 * PAGE) == 8 && strcmp(text, "for all") == 0);
  close(fd), unlink(path);
}

static void rights(void) {
  int fd = make(PAGE);
  int reader = open(path, O_RDONLY), writer = open(path, O_WRONLY);
  CHECK(map(reader, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0) == NULL && errno == EACCES);
  CHECK(map(writer, PAGE, PROT_WRITE, MAP_SHARED, 0) == NULL && errno == EACCES);
  CHECK(map(writer, PAGE, PROT_READ, MAP_SHARED, 0) == NULL && errno == EACCES);
  CHECK(map(fd, PAGE, PROT_READ, MAP_SHARED, 1) == NULL && errno == EINVAL);
  CHECK(map(fd, 0, PROT_READ, MAP_SHARED, 0) == NULL && errno == EINVAL);
  char* seen = map(reader, PAGE, PROT_READ, MAP_SHARED, 0);
  CHECK_ERRNO(mprotect(seen, PAGE, PROT_READ | PROT_WRITE), EACCES);
  char* all = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  CHECK_ERRNO(mprotect(seen, PAGE, PROT_READ | PROT_WRITE), EACCES);  // whatever another mapping may
  CHECK(mprotect(all, PAGE, PROT_READ) == 0 && mprotect(all, PAGE, PROT_READ | PROT_WRITE) == 0);
  all[1] = 'y';
  CHECK(seen[1] == 'y');
  CHECK(madvise(all, PAGE, MADV_DONTNEED) == 0 && all[1] == 'y');
  int folder = open(scratch_folder(), O_RDONLY);
  CHECK(map(folder, PAGE, PROT_READ, MAP_SHARED, 0) == NULL && errno == ENODEV);
  munmap(seen, PAGE), munmap(all, PAGE), close(fd), close(reader), close(writer), close(folder), unlink(path);
}

static void growing(void) {
  int fd = make(PAGE);
  char* at = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  at[6] = 't';
  CHECK(ftruncate(fd, 3 * PAGE) == 0 && pwrite(fd, "more", 5, 2 * PAGE) == 5);
  at = mremap(at, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
  CHECK(at != MAP_FAILED && at[6] == 't' && strcmp(at + 2 * PAGE, "more") == 0);
  char* elsewhere = map(fd, 3 * PAGE, PROT_NONE, MAP_SHARED, 0);
  char* moved = mremap(at, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere);
  CHECK(moved == elsewhere && moved[6] == 't' && strcmp(moved + 2 * PAGE, "more") == 0);
  strcpy(moved + 2 * PAGE, "less");
  char text[8] = "";
  CHECK(pread(fd, text, 5, 2 * PAGE) == 5 && strcmp(text, "less") == 0);
  munmap(moved, 3 * PAGE), close(fd), unlink(path);
  // A file that is far larger than what is looked at.
  fd = make(64L << 30);
  char* sparse = map(fd, 64L << 30, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  CHECK(sparse != NULL);
  if (sparse != NULL) sparse[40L << 30] = 'f';
  CHECK(pread(fd, text, 1, 40L << 30) == 1 && text[0] == 'f');
  munmap(sparse, 64L << 30), close(fd), unlink(path);
}

/* Buffers of other calls that lie in a mapped file. */
static void buffers(void) {
  int fd = make(64 * PAGE), other = open("/proc/self/exe", O_RDONLY), pair[2];
  char* at = map(fd, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  CHECK(read(other, at + 100, 50 * PAGE) == 50 * PAGE);
  char text[4 * PAGE];
  CHECK(pread(other, text, sizeof text, 40 * PAGE) == (ssize_t)sizeof text);
  CHECK(memcmp(at + 100 + 40 * PAGE, text, sizeof text) == 0);
  CHECK(pwrite(fd, at + 100, 8 * PAGE, 52 * PAGE) == 8 * PAGE);
  CHECK(memcmp(at + 52 * PAGE, at + 100, 8 * PAGE) == 0);
  struct iovec parts[] = {{at, 10}, {text, 10}, {at + PAGE, 10}};
  CHECK(preadv(other, parts, 3, 0) == 30 && memcmp(at, "\177ELF", 4) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK(write(pair[0], at, 30) == 30 && read(pair[1], at + 2 * PAGE, 30) == 30);
  CHECK(memcmp(at, at + 2 * PAGE, 10) == 0);
  struct stat* status = (struct stat*)(at + 3 * PAGE);
  CHECK(fstat(fd, status) == 0 && status->st_size == 64 * PAGE);
  strcpy(at + 4 * PAGE, path);
  CHECK(access(at + 4 * PAGE, R_OK) == 0);
  munmap(at, 64 * PAGE), close(fd), close(other), close(pair[0]), close(pair[1]), unlink(path);
}

static sigjmp_buf back;
static siginfo_t fault;

static void on_fault(int signal, siginfo_t* info, void* context) {
  (void)signal, (void)context;
  fault = *info;
  siglongjmp(back, 1);
}

/* Behind the end there is nothing. */
static void ends(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, before;
  sigaction(SIGBUS, &action, &before);
  int fd = make(PAGE + 10);
  volatile char* at = map(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  at[PAGE + 9] = 'l';
  CHECK(at[PAGE + 11] == 0);
  if (sigsetjmp(back, 1) == 0) {
    at[2 * PAGE] = 'n';
    CHECK(!"written behind the end");
  }
  CHECK(fault.si_signo == SIGBUS && fault.si_code == BUS_ADRERR && fault.si_addr == (void*)(at + 2 * PAGE));
  CHECK_ERRNO(write(fd, (char*)at + 3 * PAGE, 1), EFAULT);
  CHECK_ERRNO(read(fd, (char*)at + 3 * PAGE, 1), EFAULT);
  CHECK(ftruncate(fd, 4 * PAGE) == 0);
  at[2 * PAGE] = 'n';  // now there is
  CHECK(ftruncate(fd, 0) == 0);
  if (sigsetjmp(back, 1) == 0) {
    (void)at[0];
    CHECK(!"read behind the end");
  }
  CHECK(fault.si_addr == (void*)at);
  sigaction(SIGBUS, &before, NULL);
  munmap((char*)at, 4 * PAGE), close(fd), unlink(path);
}

struct meeting {
  pthread_mutex_t mutex;
  pthread_cond_t come;
  int here;
};

/* Two processes that know only the file's name meet there. */
static void meeting(void) {
  int fd = make(PAGE);
  struct meeting* at = (struct meeting*)map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  pthread_mutexattr_t mutex;
  pthread_condattr_t condition;
  pthread_mutexattr_init(&mutex), pthread_condattr_init(&condition);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&at->mutex, &mutex), pthread_cond_init(&at->come, &condition);
  pid_t child = fork();
  if (child == 0) {
    munmap(at, PAGE), close(fd);
    int again = open(path, O_RDWR);
    at = (struct meeting*)map(again, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    for (int i = 0; i < 200; ++i) {
      pthread_mutex_lock(&at->mutex);
      while (at->here != 2 * i) pthread_cond_wait(&at->come, &at->mutex);
      ++at->here;
      pthread_cond_signal(&at->come);
      pthread_mutex_unlock(&at->mutex);
    }
    _exit(0);
  }
  for (int i = 0; i < 200; ++i) {
    pthread_mutex_lock(&at->mutex);
    while (at->here != 2 * i + 1) pthread_cond_wait(&at->come, &at->mutex);
    ++at->here;
    pthread_cond_signal(&at->come);
    pthread_mutex_unlock(&at->mutex);
  }
  CHECK(exit_of(child) == 0 && at->here == 400);
  munmap(at, PAGE), close(fd), unlink(path);
}

/* Children see it, and what they exec does not disturb it. */
static void children(void) {
  int fd = make(2 * PAGE);
  char* at = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  pid_t child = fork();
  if (child == 0) {
    strcpy(at + PAGE, "from the child");
    pid_t grandchild = fork();
    if (grandchild == 0) {
      strcpy(at, "from its child");
      _exit(0);
    }
    _exit(exit_of(grandchild));
  }
  CHECK(exit_of(child) == 0);
  CHECK(strcmp(at + PAGE, "from the child") == 0 && strcmp(at, "from its child") == 0);
  char* arguments[] = {"mapped-files", "nothing", NULL};
  CHECK(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
  CHECK(exit_of(child) == 0 && strcmp(at, "from its child") == 0);
  munmap(at, 2 * PAGE), close(fd), unlink(path);
}

/* Many files, one after the other and at once. */
static void many(void) {
  static char* maps[100];
  static char names[100][200];
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      int fd = make(PAGE);
      strcpy(names[i], path);
      maps[i] = map(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
      CHECK(maps[i] != NULL);
      close(fd);
      if (maps[i] != NULL) *maps[i] = (char)i;
    }
    for (int i = 0; i < 100; ++i) {
      int fd = open(names[i], O_RDONLY);
      char byte = 0;
      CHECK(read(fd, &byte, 1) == 1 && byte == (char)i);
      close(fd), unlink(names[i]), munmap(maps[i], PAGE);
    }
  }
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) return 0;
  coherence();
  rights();
  growing();
  buffers();
  ends();
  meeting();
  children();
  many();
  return conclude("mapped-files");
}
