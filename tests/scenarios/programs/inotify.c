// SPDX-License-Identifier: Apache-2.0
// inotify: watches on the host's files, their events, and waiting for them.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "check.h"

int main(void) {
  char directory[64], path[128];
  snprintf(directory, sizeof directory, "%s/conformance-inotify-XXXXXX", scratch_folder());
  union {
    struct inotify_event event;
    char bytes[1024];
  } got;
  CHECK(mkdtemp(directory) != NULL);
  snprintf(path, sizeof path, "%s/file", directory);
  CHECK_ERRNO(inotify_init1(1), EINVAL);
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), pipes[2];
  CHECK(pipe(pipes) == 0);
  CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK_ERRNO(inotify_add_watch(fd, "/no/such/file", IN_CREATE), ENOENT);
  CHECK_ERRNO(inotify_add_watch(fd, directory, 0), EINVAL);
  CHECK_ERRNO(inotify_add_watch(999, directory, IN_CREATE), EBADF);
  CHECK_ERRNO(inotify_add_watch(pipes[0], directory, IN_CREATE), EINVAL);
  CHECK_ERRNO(inotify_add_watch(fd, NULL, IN_CREATE), EFAULT);
  CHECK_ERRNO(inotify_rm_watch(fd, 77), EINVAL);
  int watch = inotify_add_watch(fd, directory, IN_CREATE | IN_DELETE);
  CHECK(watch == 1);
  CHECK_ERRNO(read(fd, &got, sizeof got), EAGAIN);

  int epoll = epoll_create1(0);
  struct epoll_event wanted = {.events = EPOLLIN}, told;
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted) == 0);
  CHECK(epoll_wait(epoll, &told, 1, 0) == 0);
  close(open(path, O_CREAT | O_WRONLY, 0600));
  CHECK(epoll_wait(epoll, &told, 1, -1) == 1 && told.events == EPOLLIN);
  struct pollfd entry = {.fd = fd, .events = POLLIN};
  CHECK(poll(&entry, 1, -1) == 1);
  CHECK_ERRNO(read(fd, &got, 8), EINVAL);
  CHECK(read(fd, &got, sizeof got) > 0);
  CHECK(got.event.wd == watch && got.event.mask == IN_CREATE && strcmp(got.event.name, "file") == 0);
  unlink(path);
  CHECK(poll(&entry, 1, -1) == 1 && read(fd, &got, sizeof got) > 0 && got.event.mask == IN_DELETE);
  CHECK(inotify_rm_watch(fd, watch) == 0);
  CHECK(read(fd, &got, sizeof got) > 0 && got.event.mask == IN_IGNORED);
  CHECK(poll(&entry, 1, 0) == 0 && epoll_wait(epoll, &told, 1, 0) == 0);
  rmdir(directory);
  return conclude("inotify");
}
