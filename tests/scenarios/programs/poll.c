// SPDX-License-Identifier: Apache-2.0
// poll, ppoll, select, pselect6: what they tell, refuse and write back.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int ends[2];
static void* const bad = (void*)0x20000;

static long linux_ppoll(struct pollfd* set, unsigned long count, struct timespec* time, const void* mask, size_t size) {
  return syscall(SYS_ppoll, set, count, time, mask, size);
}

static void polls(void) {
  struct pollfd set[4] = {{ends[0], POLLIN, 77}, {ends[1], POLLOUT, 0}, {-1, POLLIN, 77}, {999, POLLIN, 0}};
  CHECK(poll(set, 4, -1) == 2);
  CHECK(set[0].revents == 0 && set[1].revents == POLLOUT && set[2].revents == 0 && set[3].revents == POLLNVAL);
  CHECK(poll(set, 1, 0) == 0 && poll(set, 1, 1) == 0 && poll(NULL, 0, 1) == 0);
  CHECK_ERRNO(syscall(SYS_poll, bad, 1, 0), EFAULT);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  CHECK_ERRNO(syscall(SYS_poll, set, limit.rlim_cur + 1, 0), EINVAL);
  set[0].events = POLLIN | POLLOUT;
  CHECK(write(ends[1], "x", 1) == 1);
  CHECK(poll(set, 1, -1) == 1 && set[0].revents == POLLIN);
  int file = open("/etc/passwd", O_RDONLY), path = open("/etc/passwd", O_PATH), null = open("/dev/null", O_RDWR);
  struct pollfd files[3] = {{file, POLLIN | POLLOUT, 0}, {path, POLLIN, 0}, {null, POLLIN | POLLOUT | POLLPRI, 0}};
  CHECK(poll(files, 3, 0) == 3);
  CHECK(files[0].revents == (POLLIN | POLLOUT) && files[1].revents == POLLNVAL);
  CHECK(files[2].revents == (POLLIN | POLLOUT));
  close(file), close(path), close(null);
}

static void ppolls(void) {
  struct pollfd entry = {ends[0], POLLIN, 0};
  char byte;
  struct timespec time = {0, 2000000};
  CHECK(read(ends[0], &byte, 1) == 1);
  CHECK(linux_ppoll(&entry, 1, &time, NULL, 8) == 0);
  CHECK(time.tv_sec == 0 && time.tv_nsec == 0);
  time = (struct timespec){1000, 0};
  CHECK(write(ends[1], "x", 1) == 1);
  CHECK(linux_ppoll(&entry, 1, &time, NULL, 8) == 1);
  CHECK(time.tv_sec >= 990 && time.tv_sec < 1000);
  time = (struct timespec){0, 1000000000};
  CHECK_ERRNO(linux_ppoll(&entry, 1, &time, NULL, 8), EINVAL);
  time = (struct timespec){-1, 0};
  CHECK_ERRNO(linux_ppoll(&entry, 1, &time, NULL, 8), EINVAL);
  CHECK_ERRNO(linux_ppoll(&entry, 1, bad, NULL, 8), EFAULT);
  time = (struct timespec){0, 0};
  uint64_t mask = 0;
  CHECK_ERRNO(linux_ppoll(&entry, 1, &time, &mask, 4), EINVAL);
  CHECK_ERRNO(linux_ppoll(&entry, 1, &time, bad, 8), EFAULT);
  CHECK_ERRNO(linux_ppoll(bad, 1, &time, NULL, 8), EFAULT);
}

static fd_set of(int fd) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  return set;
}

static void selects(void) {
  fd_set reads = of(ends[0]), writes = of(ends[1]), others = of(ends[0]), unknown = of(50);
  struct timeval time = {1000, 0};
  CHECK(select(ends[1] + 1, &reads, &writes, &others, &time) == 2);
  CHECK(FD_ISSET(ends[0], &reads) && FD_ISSET(ends[1], &writes) && !FD_ISSET(ends[0], &others));
  CHECK(time.tv_sec >= 990 && time.tv_sec < 1000);
  CHECK_ERRNO(select(-1, &reads, NULL, NULL, &time), EINVAL);
  CHECK_ERRNO(select(51, &unknown, NULL, NULL, &time), EBADF);
  CHECK_ERRNO(syscall(SYS_select, ends[1] + 1, bad, NULL, NULL, &time), EFAULT);
  CHECK_ERRNO(syscall(SYS_select, ends[1] + 1, &reads, NULL, NULL, bad), EFAULT);
  time = (struct timeval){-1, 0};
  CHECK_ERRNO(syscall(SYS_select, ends[1] + 1, &reads, NULL, NULL, &time), EINVAL);
  time = (struct timeval){0, 1000};
  char byte;
  CHECK(read(ends[0], &byte, 1) == 1);
  reads = of(ends[0]);
  CHECK(select(ends[0] + 1, &reads, NULL, NULL, &time) == 0 && !FD_ISSET(ends[0], &reads));
  CHECK(time.tv_sec == 0 && time.tv_usec == 0);
  CHECK(select(0, NULL, NULL, NULL, &time) == 0);
  // Beyond `count` nothing is looked at.
  unknown = of(60);
  CHECK(select(60, &unknown, NULL, NULL, &time) == 0);
  // A million microseconds are a second.
  time = (struct timeval){0, 1500000};
  CHECK(write(ends[1], "x", 1) == 1);
  reads = of(ends[0]);
  CHECK(syscall(SYS_select, ends[0] + 1, &reads, NULL, NULL, &time) == 1);
  CHECK(time.tv_sec == 1);
}

static volatile int handled;
static void handle(int signal) { handled = signal; }

static void signals(void) {
  struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
  sigset_t blocked, before, now;
  struct pollfd entry = {-1, POLLIN, 0};
  sigaction(SIGUSR1, &action, NULL);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  raise(SIGUSR1);
  struct timespec time = {1000, 0};
  CHECK_ERRNO(linux_ppoll(&entry, 1, &time, &before, 8), EINTR);  // SA_RESTART or not
  CHECK(handled == SIGUSR1 && time.tv_sec >= 990);
  sigprocmask(SIG_SETMASK, NULL, &now);
  CHECK(sigismember(&now, SIGUSR1));
  handled = 0;
  raise(SIGUSR1);
  CHECK_ERRNO(pselect(0, NULL, NULL, NULL, NULL, &before), EINTR);
  CHECK(handled == SIGUSR1);
  handled = 0;
  raise(SIGUSR1);
  time = (struct timespec){0, 1000000};
  CHECK(linux_ppoll(&entry, 1, &time, &blocked, 8) == 0 && handled == 0);
  struct {
    const void* mask;
    size_t size;
  } pair = {&before, 4};
  CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, &pair), EINVAL);
  CHECK_ERRNO(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, bad), EFAULT);
  CHECK(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &time, NULL) == 0);
  sigprocmask(SIG_SETMASK, &before, NULL);
  CHECK(handled == SIGUSR1);
}

static void* close_writer(void* unused) {
  struct timespec pause = {0, 10000000};
  nanosleep(&pause, NULL);
  close(ends[1]);
  return unused;
}

static void hanging_up(void) {
  char byte;
  while (poll(&(struct pollfd){ends[0], POLLIN, 0}, 1, 0) == 1) CHECK(read(ends[0], &byte, 1) == 1);
  pthread_t closer;
  struct pollfd entry = {ends[0], 0, 0};
  pthread_create(&closer, NULL, close_writer, NULL);
  CHECK(poll(&entry, 1, -1) == 1 && entry.revents == POLLHUP);
  pthread_join(closer, NULL);
  fd_set reads = of(ends[0]);
  CHECK(select(ends[0] + 1, &reads, NULL, NULL, NULL) == 1);
  int others[2];
  CHECK(pipe(others) == 0);
  close(others[0]);
  entry = (struct pollfd){others[1], POLLOUT, 0};
  CHECK(poll(&entry, 1, -1) == 1 && entry.revents == (POLLOUT | POLLERR));
  close(others[1]);
}

int main(void) {
  CHECK(pipe(ends) == 0);
  polls();
  ppolls();
  selects();
  signals();
  hanging_up();
  return conclude("poll");
}
