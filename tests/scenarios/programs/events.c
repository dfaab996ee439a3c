// SPDX-License-Identifier: Apache-2.0
// eventfd, timerfd, signalfd: counts, records, what they refuse, and that they can be waited for.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int ready(int fd) {
  struct pollfd entry = {.fd = fd, .events = POLLIN | POLLOUT};
  return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

static void* read_it(void* fd) {
  eventfd_t value = 0;
  return eventfd_read(*(int*)fd, &value) == 0 ? (void*)value : NULL;
}

static void counters(void) {
  uint64_t value = 0;
  char small[4] = {0};
  CHECK_ERRNO(eventfd(0, 2), EINVAL);
  int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);
  CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK((fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == (O_NONBLOCK | O_RDWR));
  CHECK(ready(fd) == (POLLIN | POLLOUT));
  CHECK_ERRNO(read(fd, small, sizeof small), EINVAL);
  CHECK_ERRNO(write(fd, small, sizeof small), EINVAL);
  CHECK(read(fd, &value, 8) == 8 && value == 3);
  CHECK_ERRNO(read(fd, &value, 8), EAGAIN);
  CHECK(ready(fd) == POLLOUT);
  value = UINT64_MAX;
  CHECK_ERRNO(write(fd, &value, 8), EINVAL);
  value = UINT64_MAX - 1;
  CHECK(write(fd, &value, 8) == 8);
  CHECK(ready(fd) == POLLIN);
  value = 1;
  CHECK_ERRNO(write(fd, &value, 8), EAGAIN);
  value = 0;
  CHECK(write(fd, &value, 8) == 8);
  CHECK(read(fd, &value, 8) == 8 && value == UINT64_MAX - 1);
  CHECK_ERRNO(syscall(SYS_read, fd, (void*)0x20000, 8), EAGAIN);
  CHECK_ERRNO(syscall(SYS_write, fd, (void*)8, 8), EFAULT);
  uint64_t pair[2] = {5, 6};
  struct iovec pieces[2] = {{pair, 8}, {pair + 1, 8}};
  CHECK(writev(fd, pieces, 1) == 8 && read(fd, pair, 16) == 8 && pair[0] == 5 && pair[1] == 6);
  struct stat status;
  CHECK(fstat(fd, &status) == 0 && (status.st_mode & 07777) == 0600);
  CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
  close(fd);

  fd = eventfd(2, EFD_SEMAPHORE);
  CHECK(read(fd, &value, 8) == 8 && value == 1);
  CHECK(read(fd, &value, 8) == 8 && value == 1);
  pthread_t reader;
  pthread_create(&reader, NULL, read_it, &fd);
  CHECK(eventfd_write(fd, 1) == 0);
  void* result;
  pthread_join(reader, &result);
  CHECK(result == (void*)1);
  close(fd);

  fd = eventfd(0, 0);
  pid_t child = fork();
  if (child == 0) _exit(eventfd_write(fd, 42) != 0);
  CHECK(eventfd_read(fd, &value) == 0 && value == 42);
  CHECK(waitpid(child, NULL, 0) == child);
  close(fd);
}

static struct itimerspec in(long first_ns, long then_ns) {
  return (struct itimerspec){{0, then_ns}, {0, first_ns}};
}

static void timers(void) {
  struct itimerspec setting = in(1000000, 0), before;
  uint64_t ticks = 0;
  CHECK_ERRNO(timerfd_create(99, 0), EINVAL);
  CHECK_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
  CHECK_ERRNO(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), event = eventfd(0, 0);
  CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK_ERRNO(timerfd_settime(event, 0, &setting, NULL), EINVAL);
  CHECK_ERRNO(timerfd_settime(999, 0, &setting, NULL), EBADF);
  CHECK_ERRNO(timerfd_settime(fd, 4, &setting, NULL), EINVAL);
  CHECK_ERRNO(timerfd_settime(fd, 0, NULL, NULL), EFAULT);
  CHECK_ERRNO(timerfd_gettime(fd, (void*)8), EFAULT);
  struct itimerspec bad = in(1000000000, 0);
  CHECK_ERRNO(timerfd_settime(fd, 0, &bad, NULL), EINVAL);
  CHECK_ERRNO(read(fd, &ticks, 8), EAGAIN);
  CHECK_ERRNO(read(fd, &ticks, 4), EINVAL);
  CHECK_ERRNO(write(fd, &ticks, 8), EINVAL);
  CHECK(timerfd_gettime(fd, &before) == 0 && before.it_value.tv_sec == 0 && before.it_value.tv_nsec == 0);
  CHECK(ready(fd) == 0);

  // Once; poll and read see it.
  CHECK(timerfd_settime(fd, 0, &setting, NULL) == 0);
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  CHECK(poll(&entry, 1, -1) == 1 && entry.revents == POLLIN);
  CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
  CHECK_ERRNO(read(fd, &ticks, 8), EAGAIN);
  CHECK(timerfd_gettime(fd, &before) == 0 && before.it_value.tv_nsec == 0);

  // Again and again, and a setting that is told and replaced.
  setting = in(1000000, 1000000);
  CHECK(timerfd_settime(fd, 0, &setting, NULL) == 0);
  uint64_t total = 0;
  while (total < 5) {
    CHECK(poll(&entry, 1, -1) == 1);
    CHECK(read(fd, &ticks, 8) == 8 && ticks >= 1);
    total += ticks;
  }
  setting = (struct itimerspec){{0, 7}, {1000, 0}};
  CHECK(timerfd_settime(fd, 0, &setting, &before) == 0 && before.it_interval.tv_nsec == 1000000);
  CHECK_ERRNO(read(fd, &ticks, 8), EAGAIN);
  CHECK(timerfd_gettime(fd, &before) == 0 && before.it_value.tv_sec >= 990 && before.it_interval.tv_nsec == 7);
  setting = in(0, 0);
  CHECK(timerfd_settime(fd, 0, &setting, &before) == 0 && before.it_value.tv_sec >= 990);
  CHECK(ready(fd) == 0);

  // A time that has passed, on either clock; a read that waits.
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  setting = (struct itimerspec){{0, 0}, now};
  CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL) == 0);
  CHECK(ready(fd) == POLLIN);
  close(fd);
  fd = timerfd_create(CLOCK_REALTIME, 0);
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_nsec += 2000000;
  if (now.tv_nsec >= 1000000000) now.tv_nsec -= 1000000000, ++now.tv_sec;
  setting = (struct itimerspec){{0, 0}, now};
  CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, NULL) == 0);
  CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
  struct timespec after;
  clock_gettime(CLOCK_REALTIME, &after);
  CHECK(after.tv_sec > now.tv_sec || (after.tv_sec == now.tv_sec && after.tv_nsec >= now.tv_nsec));

  // In an epoll: level, and an edge for each time it expires.
  int epoll = epoll_create1(0);
  struct epoll_event wanted = {.events = EPOLLIN | EPOLLET}, got;
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) == 0);
  CHECK(epoll_wait(epoll, &got, 1, 0) == 0);
  setting = in(1000000, 0);
  for (int i = 0; i < 3; ++i) {
    CHECK(timerfd_settime(fd, 0, &setting, NULL) == 0);
    CHECK(epoll_wait(epoll, &got, 1, -1) == 1 && got.events == EPOLLIN);
    CHECK(epoll_wait(epoll, &got, 1, 0) == 0);
  }
  wanted.events = EPOLLIN;
  CHECK(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &wanted) == 0);
  CHECK(epoll_wait(epoll, &got, 1, -1) == 1 && epoll_wait(epoll, &got, 1, -1) == 1);
  CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
  CHECK(epoll_wait(epoll, &got, 1, 0) == 0);
  close(epoll), close(fd), close(event);
}

static void* set_timer(void* fd) {
  struct timespec pause = {0, 10000000};
  nanosleep(&pause, NULL);
  struct itimerspec soon = in(1000000, 0);
  CHECK(timerfd_settime(*(int*)fd, 0, &soon, NULL) == 0);
  return NULL;
}

/* Who waits for a timer hears that it was set to another time. */
static void timers_set_by_others(void) {
  struct itimerspec late = {{0, 0}, {1000, 0}};
  uint64_t ticks;
  pthread_t setter;
  int fd = timerfd_create(CLOCK_MONOTONIC, 0);
  CHECK(timerfd_settime(fd, 0, &late, NULL) == 0);
  pthread_create(&setter, NULL, set_timer, &fd);
  CHECK(read(fd, &ticks, 8) == 8 && ticks == 1);
  pthread_join(setter, NULL);
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  pthread_create(&setter, NULL, set_timer, &fd);
  CHECK(poll(&entry, 1, -1) == 1);
  pthread_join(setter, NULL);
  close(fd);
}

static sigset_t set_of(int one, int other) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, one);
  if (other != 0) sigaddset(&set, other);
  return set;
}

static void* signal_later(void* process) {
  struct timespec pause = {0, 10000000};
  nanosleep(&pause, NULL);
  kill(*(pid_t*)process, SIGUSR1);
  return NULL;
}

static void signal_files(void) {
  sigset_t both = set_of(SIGUSR1, SIGUSR2), one = set_of(SIGUSR1, 0), before;
  struct signalfd_siginfo info[3];
  int event = eventfd(0, 0);
  sigprocmask(SIG_BLOCK, &both, &before);
  CHECK_ERRNO(syscall(SYS_signalfd4, -1, &both, 4, 0), EINVAL);
  CHECK_ERRNO(syscall(SYS_signalfd4, -1, (void*)8, 8, 0), EFAULT);
  CHECK_ERRNO(syscall(SYS_signalfd4, -1, &both, 8, 1), EINVAL);
  CHECK_ERRNO(signalfd(event, &both, 0), EINVAL);
  CHECK_ERRNO(signalfd(999, &both, 0), EBADF);
  int fd = signalfd(-1, &one, SFD_NONBLOCK | SFD_CLOEXEC);
  CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK_ERRNO(read(fd, info, 100), EINVAL);
  CHECK_ERRNO(read(fd, info, sizeof info), EAGAIN);
  CHECK_ERRNO(write(fd, info, sizeof info), EINVAL);
  CHECK(ready(fd) == 0);
  kill(getpid(), SIGUSR2);
  CHECK(ready(fd) == 0);
  raise(SIGUSR1);
  CHECK(ready(fd) == POLLIN);
  CHECK(read(fd, info, sizeof info) == 128);
  CHECK(info[0].ssi_signo == SIGUSR1 && info[0].ssi_code == SI_TKILL && info[0].ssi_pid == (uint32_t)getpid());
  CHECK(signalfd(fd, &both, 0) == fd);
  raise(SIGUSR1);
  CHECK(read(fd, info, sizeof info) == 256);
  CHECK(info[0].ssi_signo == SIGUSR1 && info[1].ssi_signo == SIGUSR2 && info[1].ssi_code == SI_USER);
  CHECK(info[1].ssi_pid == (uint32_t)getpid());
  sigset_t pending;
  CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1) && !sigismember(&pending, SIGUSR2));

  // Waiting: a read, an epoll.
  fcntl(fd, F_SETFL, 0);
  pid_t self = getpid();
  pthread_t sender;
  pthread_create(&sender, NULL, signal_later, &self);
  CHECK(read(fd, info, 128) == 128 && info[0].ssi_signo == SIGUSR1);
  pthread_join(sender, NULL);
  int epoll = epoll_create1(0);
  struct epoll_event wanted = {.events = EPOLLIN}, got;
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) == 0);
  CHECK(epoll_wait(epoll, &got, 1, 0) == 0);
  pthread_create(&sender, NULL, signal_later, &self);
  CHECK(epoll_wait(epoll, &got, 1, -1) == 1 && got.events == EPOLLIN);
  pthread_join(sender, NULL);
  CHECK(read(fd, info, 128) == 128);
  CHECK(epoll_wait(epoll, &got, 1, 0) == 0);
  close(epoll), close(fd);

  // A child's end.
  sigset_t child_set = set_of(SIGCHLD, 0);
  sigprocmask(SIG_BLOCK, &child_set, NULL);
  fd = signalfd(-1, &child_set, 0);
  pid_t child = fork();
  if (child == 0) _exit(7);
  CHECK(read(fd, info, 128) == 128);
  CHECK(info[0].ssi_signo == SIGCHLD && info[0].ssi_code == CLD_EXITED && info[0].ssi_status == 7);
  CHECK(info[0].ssi_pid == (uint32_t)child);
  CHECK(waitpid(child, NULL, 0) == child);
  sigprocmask(SIG_SETMASK, &before, NULL);
  close(fd), close(event);
}

int main(void) {
  counters();
  timers();
  timers_set_by_others();
  signal_files();
  return conclude("events");
}
