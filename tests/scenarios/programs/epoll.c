// SPDX-License-Identifier: Apache-2.0
// epoll: what it refuses, level and edge, one-shot, nesting, what closing and fork mean, files of both sides.
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  return epoll_ctl(epoll, operation, fd, &event);
}

static struct epoll_event got[8];

/* How many events there are at once; the first is got[0]. */
static int ready(int epoll) {
  memset(got, 0, sizeof got);
  return epoll_wait(epoll, got, 8, 0);
}

static void refusals(void) {
  struct epoll_event event = {.events = EPOLLIN};
  int ends[2], epoll = epoll_create1(EPOLL_CLOEXEC);
  CHECK(pipe(ends) == 0);
  CHECK(fcntl(epoll, F_GETFD) == FD_CLOEXEC);
  CHECK_ERRNO(epoll_create1(1), EINVAL);
  CHECK_ERRNO(epoll_create(0), EINVAL);
  int other = epoll_create(1);
  CHECK(fcntl(other, F_GETFD) == 0);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, 999, &event), EBADF);
  CHECK_ERRNO(epoll_ctl(999, EPOLL_CTL_ADD, ends[0], &event), EBADF);
  CHECK_ERRNO(epoll_ctl(ends[0], EPOLL_CTL_ADD, ends[1], &event), EINVAL);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event), EINVAL);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], NULL), EFAULT);
  CHECK_ERRNO(epoll_ctl(epoll, 77, ends[0], &event), EINVAL);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL), ENOENT);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_MOD, ends[0], &event), ENOENT);
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event), EEXIST);
  int file = open("/etc/passwd", O_RDONLY), directory = open("/", O_RDONLY), null = open("/dev/null", O_RDWR);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event), EPERM);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, directory, &event), EPERM);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, null, &event), EPERM);
  int path = open("/etc/passwd", O_PATH);
  CHECK_ERRNO(epoll_ctl(epoll, EPOLL_CTL_ADD, path, &event), EBADF);
  CHECK_ERRNO(epoll_wait(epoll, got, 0, 0), EINVAL);
  CHECK_ERRNO(syscall(SYS_epoll_wait, epoll, got, -1, 0), EINVAL);
  CHECK_ERRNO(syscall(SYS_epoll_wait, epoll, got, INT_MAX, 0), EINVAL);
  CHECK_ERRNO(epoll_wait(ends[0], got, 1, 0), EINVAL);
  CHECK_ERRNO(epoll_wait(999, got, 1, 0), EBADF);
  CHECK(write(ends[1], "x", 1) == 1);
  CHECK_ERRNO(syscall(SYS_epoll_wait, epoll, (void*)8, 1, 0), EFAULT);
  CHECK(ready(epoll) == 1);
  char byte;
  CHECK_ERRNO(read(epoll, &byte, 1), EINVAL);
  CHECK_ERRNO(write(epoll, &byte, 1), EINVAL);
  close(file), close(directory), close(null), close(path), close(other), close(epoll), close(ends[0]), close(ends[1]);
}

static void exclusive(void) {
  int epoll = epoll_create1(0), inner = epoll_create1(0), event = eventfd(0, 0);
  CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, event, EPOLLEXCLUSIVE | EPOLLIN | EPOLLONESHOT, 0), EINVAL);
  CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, event, EPOLLEXCLUSIVE | EPOLLIN | EPOLLRDHUP, 0), EINVAL);
  CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, inner, EPOLLEXCLUSIVE | EPOLLIN, 0), EINVAL);
  CHECK(control(epoll, EPOLL_CTL_ADD, event, EPOLLEXCLUSIVE | EPOLLIN | EPOLLET, 7) == 0);
  CHECK_ERRNO(control(epoll, EPOLL_CTL_MOD, event, EPOLLIN, 0), EINVAL);
  CHECK_ERRNO(control(epoll, EPOLL_CTL_MOD, event, EPOLLEXCLUSIVE | EPOLLIN, 0), EINVAL);
  CHECK(eventfd_write(event, 1) == 0);
  CHECK(ready(epoll) == 1 && got[0].data.u64 == 7 && got[0].events == EPOLLIN);
  close(epoll), close(inner), close(event);
}

static void level_and_edge(void) {
  char data[5000] = {0};
  int ends[2], level = epoll_create1(0), edge = epoll_create1(0), once = epoll_create1(0);
  CHECK(pipe2(ends, O_NONBLOCK) == 0);
  CHECK(control(level, EPOLL_CTL_ADD, ends[0], EPOLLIN, 1) == 0);
  CHECK(control(edge, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET, 2) == 0);
  CHECK(control(once, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLONESHOT, 3) == 0);
  CHECK(ready(level) == 0 && ready(edge) == 0 && ready(once) == 0);
  CHECK(write(ends[1], data, 10) == 10);
  CHECK(ready(level) == 1 && got[0].data.u64 == 1 && got[0].events == EPOLLIN);
  CHECK(ready(level) == 1);
  CHECK(ready(edge) == 1 && got[0].data.u64 == 2);
  CHECK(ready(edge) == 0);
  CHECK(ready(once) == 1 && got[0].data.u64 == 3);
  CHECK(ready(once) == 0);
  CHECK(write(ends[1], data, 10) == 10);  // an edge, though it was readable
  CHECK(ready(edge) == 1 && ready(edge) == 0);
  CHECK(ready(once) == 0);
  CHECK(read(ends[0], data, 5) == 5);  // no edge
  CHECK(ready(edge) == 0);
  CHECK(control(once, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 4) == 0);
  CHECK(ready(once) == 1 && got[0].data.u64 == 4);
  CHECK(control(edge, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET, 5) == 0);  // tells again
  CHECK(ready(edge) == 1 && got[0].data.u64 == 5 && ready(edge) == 0);
  CHECK(read(ends[0], data, 100) == 15);
  CHECK(ready(level) == 0 && ready(edge) == 0);

  // The writing end: ready, then full, then ready again.
  CHECK(control(edge, EPOLL_CTL_ADD, ends[1], EPOLLOUT | EPOLLET, 6) == 0);
  CHECK(ready(edge) == 1 && got[0].events == EPOLLOUT && ready(edge) == 0);
  while (write(ends[1], data, 4096) == 4096) {}
  CHECK(control(level, EPOLL_CTL_MOD, ends[0], 0, 1) == 0);
  CHECK(ready(level) == 0);
  CHECK(ready(edge) == 1 && got[0].events == EPOLLIN);
  CHECK(read(ends[0], data, 4096) == 4096);
  CHECK(ready(edge) == 1 && got[0].events == EPOLLOUT);
  close(ends[1]);
  CHECK(ready(edge) == 1 && got[0].events == (EPOLLIN | EPOLLHUP));
  CHECK(ready(level) == 1 && got[0].events == EPOLLHUP);  // nobody has to ask for that
  close(level), close(edge), close(once), close(ends[0]);
}

static void many_at_once(void) {
  int epoll = epoll_create1(0), events[5], seen[5] = {0};
  for (int i = 0; i < 5; ++i) {
    events[i] = eventfd(1, 0);
    CHECK(control(epoll, EPOLL_CTL_ADD, events[i], EPOLLIN, (uint64_t)i) == 0);
  }
  for (int i = 0; i < 5; ++i) {  // one after the other, all get their turn
    CHECK(epoll_wait(epoll, got, 1, -1) == 1);
    ++seen[got[0].data.u64];
  }
  for (int i = 0; i < 5; ++i) CHECK(seen[i] == 1);
  CHECK(ready(epoll) == 5);
  for (int i = 0; i < 5; ++i) close(events[i]);
  CHECK(ready(epoll) == 0);
  close(epoll);
}

static void closing(void) {
  int epoll = epoll_create1(0), event = eventfd(1, 0), copy = dup(event);
  CHECK(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN, 1) == 0);
  CHECK(control(epoll, EPOLL_CTL_ADD, copy, EPOLLIN, 2) == 0);
  CHECK(ready(epoll) == 2);
  close(event);  // the file is open still
  CHECK(ready(epoll) == 2);
  CHECK_ERRNO(control(epoll, EPOLL_CTL_DEL, event, 0, 0), EBADF);
  CHECK(control(epoll, EPOLL_CTL_DEL, copy, 0, 0) == 0);
  CHECK(ready(epoll) == 1 && got[0].data.u64 == 1);
  close(copy);
  CHECK(ready(epoll) == 0);
  int other = dup(epoll);
  event = eventfd(1, 0);
  CHECK(control(other, EPOLL_CTL_ADD, event, EPOLLIN, 3) == 0);
  close(epoll);
  CHECK(ready(other) == 1 && got[0].data.u64 == 3);
  pid_t child = fork();
  if (child == 0) {
    // One epoll for both: what the child changes, the parent sees; its descriptor is another, its file the same.
    int mine = eventfd(1, 0);
    int bad = ready(other) != 1 || control(other, EPOLL_CTL_ADD, mine, EPOLLIN, 4) != 0 || ready(other) != 2;
    close(mine);
    close(event);
    _exit(bad || ready(other) != 1 || control(other, EPOLL_CTL_MOD, 999, EPOLLIN, 0) == 0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(ready(other) == 1 && got[0].data.u64 == 3);
  close(event), close(other);
}

static void nesting(void) {
  int chain[7], event = eventfd(0, 0);
  for (int i = 0; i < 7; ++i) chain[i] = epoll_create1(0);
  CHECK(control(chain[0], EPOLL_CTL_ADD, event, EPOLLIN, 10) == 0);
  for (int i = 1; i < 5; ++i) CHECK(control(chain[i], EPOLL_CTL_ADD, chain[i - 1], EPOLLIN, (uint64_t)i) == 0);
  CHECK_ERRNO(control(chain[5], EPOLL_CTL_ADD, chain[4], EPOLLIN, 5), ELOOP);
  CHECK_ERRNO(control(chain[0], EPOLL_CTL_ADD, chain[2], EPOLLIN, 6), ELOOP);
  CHECK_ERRNO(control(chain[0], EPOLL_CTL_ADD, chain[6], EPOLLIN, 6), ELOOP);
  CHECK(ready(chain[4]) == 0);
  struct pollfd entry = {.fd = chain[3], .events = POLLIN};
  CHECK(poll(&entry, 1, 0) == 0);
  CHECK(eventfd_write(event, 1) == 0);
  CHECK(ready(chain[4]) == 1 && got[0].data.u64 == 4 && got[0].events == EPOLLIN);
  CHECK(poll(&entry, 1, -1) == 1 && entry.revents == POLLIN);
  eventfd_t value;
  CHECK(eventfd_read(event, &value) == 0);
  CHECK(ready(chain[4]) == 0 && poll(&entry, 1, 0) == 0);
  for (int i = 0; i < 7; ++i) close(chain[i]);
  close(event);
}

static void* write_later(void* argument) {
  struct timespec pause = {0, 20000000};
  nanosleep(&pause, NULL);
  CHECK(eventfd_write(*(int*)argument, 1) == 0);
  return NULL;
}

static void waiting(void) {
  int epoll = epoll_create1(0), event = eventfd(0, 0);
  pthread_t thread;
  CHECK(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN, 1) == 0);
  CHECK(epoll_wait(epoll, got, 8, 20) == 0);
  pthread_create(&thread, NULL, write_later, &event);
  CHECK(epoll_wait(epoll, got, 8, -1) == 1);
  pthread_join(thread, NULL);
  struct timespec time = {0, 1000000000};
  CHECK_ERRNO(syscall(SYS_epoll_pwait2, epoll, got, 8, &time, NULL, 8), EINVAL);
  CHECK_ERRNO(syscall(SYS_epoll_pwait2, epoll, got, 8, (void*)8, NULL, 8), EFAULT);
  time.tv_nsec = 1000;
  CHECK(syscall(SYS_epoll_pwait2, epoll, got, 8, &time, NULL, 8) == 1);
  sigset_t mask;
  sigemptyset(&mask);
  CHECK_ERRNO(syscall(SYS_epoll_pwait, epoll, got, 8, 0, &mask, 4), EINVAL);
  CHECK_ERRNO(syscall(SYS_epoll_pwait, epoll, got, 8, 0, (void*)8, 8), EFAULT);
  close(epoll), close(event);
}

static volatile int handled;
static void handle(int signal) { handled = signal; }

static void signals(void) {
  struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
  sigset_t blocked, open;
  int epoll = epoll_create1(0);
  sigaction(SIGUSR1, &action, NULL);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, &open);
  raise(SIGUSR1);
  CHECK(epoll_wait(epoll, got, 8, 1) == 0 && handled == 0);
  CHECK_ERRNO(epoll_pwait(epoll, got, 8, -1, &open), EINTR);  // never restarted
  CHECK(handled == SIGUSR1);
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  CHECK(sigismember(&now, SIGUSR1) == 1);
  sigprocmask(SIG_SETMASK, &open, NULL);
  close(epoll);
}

/* Sockets may be the host's, eventfds are not: one epoll with both. */
static int connected(int* other) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof name;
  int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(server, (struct sockaddr*)&name, size) == 0 && listen(server, 1) == 0);
  CHECK(getsockname(server, (struct sockaddr*)&name, &size) == 0);
  CHECK(connect(client, (struct sockaddr*)&name, size) == 0);
  *other = accept(server, NULL, NULL);
  CHECK(*other >= 0);
  close(server);
  return client;
}

static void sockets(void) {
  int far, near = connected(&far), epoll = epoll_create1(0), event = eventfd(0, 0);
  char data[16];
  CHECK(control(epoll, EPOLL_CTL_ADD, near, EPOLLIN | EPOLLRDHUP, 1) == 0);
  CHECK_ERRNO(control(epoll, EPOLL_CTL_ADD, near, EPOLLIN, 1), EEXIST);
  CHECK(ready(epoll) == 0 && epoll_wait(epoll, got, 8, 5) == 0);
  CHECK(write(far, "abc", 3) == 3);
  CHECK(epoll_wait(epoll, got, 8, -1) == 1 && got[0].data.u64 == 1 && got[0].events == EPOLLIN);
  CHECK(ready(epoll) == 1);
  CHECK(control(epoll, EPOLL_CTL_MOD, near, EPOLLIN | EPOLLET | EPOLLRDHUP, 2) == 0);
  CHECK(ready(epoll) == 1 && got[0].data.u64 == 2 && ready(epoll) == 0);
  CHECK(control(epoll, EPOLL_CTL_ADD, event, EPOLLIN, 3) == 0);
  CHECK(ready(epoll) == 0);
  pthread_t thread;
  pthread_create(&thread, NULL, write_later, &event);
  CHECK(epoll_wait(epoll, got, 8, -1) == 1 && got[0].data.u64 == 3);
  pthread_join(thread, NULL);
  CHECK(write(far, "def", 3) == 3);
  while (ready(epoll) != 2) {}  // loopback takes no time, nearly
  CHECK(read(near, data, sizeof data) == 6);
  // Through another epoll, and through poll.
  int outer = epoll_create1(0);
  eventfd_t value;
  CHECK(eventfd_read(event, &value) == 0);
  CHECK(control(outer, EPOLL_CTL_ADD, epoll, EPOLLIN, 9) == 0);
  CHECK(ready(outer) == 0);
  struct pollfd entry = {.fd = epoll, .events = POLLIN};
  CHECK(poll(&entry, 1, 0) == 0);
  CHECK(write(far, "ghi", 3) == 3);
  CHECK(epoll_wait(outer, got, 8, -1) == 1 && got[0].data.u64 == 9);
  CHECK(poll(&entry, 1, -1) == 1);
  CHECK(ready(epoll) == 1 && got[0].data.u64 == 2);
  CHECK(ready(outer) == 0 && poll(&entry, 1, 0) == 0);
  // The same file under a second number.
  int copy = dup(near);
  CHECK(control(epoll, EPOLL_CTL_ADD, copy, EPOLLIN, 4) == 0);
  CHECK(ready(epoll) == 1 && got[0].data.u64 == 4);
  CHECK(control(epoll, EPOLL_CTL_DEL, copy, 0, 0) == 0);
  close(copy);
  CHECK(shutdown(far, SHUT_WR) == 0);
  CHECK(epoll_wait(epoll, got, 8, -1) == 1 && got[0].events == (EPOLLIN | EPOLLRDHUP));
  close(near);
  CHECK(ready(epoll) == 0);
  close(far), close(epoll), close(event), close(outer);
}

int main(void) {
  refusals();
  exclusive();
  level_and_edge();
  many_at_once();
  closing();
  nesting();
  waiting();
  signals();
  sockets();
  return conclude("epoll");
}
