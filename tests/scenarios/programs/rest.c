// SPDX-License-Identifier: Apache-2.0
// Calls and flags that no other of these programs makes.
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

static int file;
static char directory[] = "/tmp/rest-XXXXXX";

static void test_groups_of_processes(void) {
  CHECK(getpgid(0) == getpgrp() && getpgid(getpid()) == getpgrp());
  CHECK_ERRNO(getpgid(4194000), ESRCH);
  CHECK_ERRNO(getpgid(-1), ESRCH);
  CHECK_ERRNO(setpgid(4194000, 0), ESRCH);
  CHECK_ERRNO(setpgid(0, -1), EINVAL);
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 0 && getpgrp() == getpid() ? 0 : 1);
  }
  CHECK(setpgid(child, child) == 0 && getpgid(child) == child);
  CHECK_ERRNO(setpgid(child, 4194000), EPERM);  // no group of this session
  close(ends[1]);
  int status = -1;
  CHECK(waitpid(-child, &status, 0) == child && status == 0);
  close(ends[0]);
}

static void test_ends(void) {
  const pid_t child = fork();
  if (child == 0) syscall(SYS_exit_group, 0x1234);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0x34);
  CHECK(syscall(SYS_set_tid_address, NULL) == gettid());
}

static void test_directories(void) {
  char here[4096], there[4096];
  CHECK(getcwd(here, sizeof here) != NULL);
  const int old = open(".", O_RDONLY | O_DIRECTORY), new = open(directory, O_RDONLY | O_DIRECTORY);
  CHECK(fchdir(new) == 0 && getcwd(there, sizeof there) != NULL && strcmp(there, directory) == 0);
  CHECK(fchdir(old) == 0 && getcwd(there, sizeof there) != NULL && strcmp(there, here) == 0);
  CHECK_ERRNO(fchdir(file), ENOTDIR);
  CHECK_ERRNO(fchdir(-1), EBADF);
  CHECK(syncfs(new) == 0);
  CHECK_ERRNO(syncfs(-1), EBADF);
  close(old);
  close(new);
}

static void test_attributes(void) {
  struct stat status;
  CHECK(fchmod(file, 0640) == 0 && fstat(file, &status) == 0 && (status.st_mode & 07777) == 0640);
  CHECK(fchown(file, (uid_t)-1, (gid_t)-1) == 0);
  CHECK_ERRNO(fchmod(-1, 0600), EBADF);
  CHECK_ERRNO(fchown(-1, 0, 0), EBADF);
  char list[64];
  CHECK_ERRNO(llistxattr("/no/such/file", list, sizeof list), ENOENT);
  CHECK_ERRNO(lsetxattr("/no/such/file", "user.a", "b", 1, 0), ENOENT);
  CHECK_ERRNO(lremovexattr("/no/such/file", "user.a"), ENOENT);
  CHECK_ERRNO(lremovexattr(NULL, "user.a"), EFAULT);
}

static void test_data(void) {
  CHECK(fdatasync(file) == 0);
  CHECK_ERRNO(fdatasync(-1), EBADF);
  int ends[2];
  CHECK(pipe(ends) == 0);
  CHECK_ERRNO(fdatasync(ends[1]), EINVAL);
  CHECK(posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED) == 0);
  CHECK(posix_fadvise(file, 0, 0, 99) == EINVAL);
  CHECK(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL) == EBADF);
  CHECK(posix_fadvise(ends[0], 0, 0, POSIX_FADV_NORMAL) == ESPIPE);
  close(ends[0]);
  close(ends[1]);
}

static void test_flags_of_transfers(void) {
  char text[] = "abc", got[4] = "";
  struct iovec out = {text, 3}, in = {got, 3};
  CHECK(pwritev2(file, &out, 1, 10, RWF_DSYNC) == 3 && pwritev2(file, &out, 1, 20, RWF_SYNC) == 3);
  CHECK(preadv2(file, &in, 1, 20, RWF_HIPRI) == 3 && memcmp(got, "abc", 3) == 0);
  CHECK(lseek(file, 30, SEEK_SET) == 30 && pwritev2(file, &out, 1, -1, RWF_DSYNC) == 3);
  CHECK(lseek(file, 0, SEEK_CUR) == 33);
  CHECK_ERRNO(preadv2(file, &in, 1, 0, 1 << 20), EOPNOTSUPP);
  CHECK_ERRNO(pwritev2(file, &out, 1, -2, 0), EINVAL);
}

/* The end of a file, whatever the offset; and what is there without waiting, if the file can tell. */
static void test_appending(int fd) {
  char text[] = "abc", got[4] = "";
  struct iovec out = {text, 3}, in = {got, 3};
  struct stat status;
  CHECK(ftruncate(fd, 50) == 0 && lseek(fd, 7, SEEK_SET) == 7);
  CHECK(pwritev2(fd, &out, 1, 0, RWF_APPEND) == 3 && lseek(fd, 0, SEEK_CUR) == 7);
  CHECK(pread(fd, got, 3, 50) == 3 && memcmp(got, "abc", 3) == 0);
  CHECK(pwritev2(fd, &out, 1, -1, RWF_APPEND | RWF_DSYNC) == 3 && lseek(fd, 0, SEEK_CUR) == 56);
  CHECK(fstat(fd, &status) == 0 && status.st_size == 56);
  CHECK(preadv2(fd, &in, 1, 0, RWF_APPEND) == 3 && memcmp(got, "\0\0\0", 3) == 0);
  const ssize_t now = preadv2(fd, &in, 1, 50, RWF_NOWAIT);
  CHECK(now == 3 ? memcmp(got, "abc", 3) == 0 : now == -1 && (errno == EAGAIN || errno == EOPNOTSUPP));
  CHECK_ERRNO(pwritev2(fd, &out, 1, -2, RWF_APPEND), EINVAL);
}

static void test_appends(void) {
  int ends[2], memory = memfd_create("appended", 0);
  char got[4] = "";
  struct iovec out = {"abc", 3};
  test_appending(file);
  test_appending(memory);
  close(memory);
  CHECK(pipe(ends) == 0 && pwritev2(ends[1], &out, 1, -1, RWF_APPEND) == 3 && read(ends[0], got, 3) == 3);
  CHECK_ERRNO(pwritev2(ends[1], &out, 1, 0, RWF_APPEND), ESPIPE);
  close(ends[0]);
  close(ends[1]);
}

static void test_sockets(void) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, peer;
  socklen_t size = sizeof name;
  CHECK(bind(listener, (struct sockaddr*)&name, size) == 0 && listen(listener, 1) == 0);
  CHECK(getsockname(listener, (struct sockaddr*)&name, &size) == 0);
  size = sizeof peer;
  CHECK_ERRNO(getpeername(client, (struct sockaddr*)&peer, &size), ENOTCONN);
  CHECK(connect(client, (struct sockaddr*)&name, sizeof name) == 0);
  const int server = accept(listener, NULL, NULL);
  CHECK(getpeername(client, (struct sockaddr*)&peer, &size) == 0 && peer.sin_port == name.sin_port);
  CHECK_ERRNO(getpeername(client, NULL, &size), EFAULT);
  CHECK_ERRNO(getpeername(file, (struct sockaddr*)&peer, &size), ENOTSOCK);
  char text[8] = "";
  CHECK(send(client, "hello", 5, 0) == 5);
  CHECK(recv(server, text, 5, MSG_PEEK | MSG_WAITALL) == 5 && recv(server, text, 8, 0) == 5);
  CHECK(strcmp(text, "hello") == 0);
  CHECK_ERRNO(recv(server, text, 1, MSG_DONTWAIT), EAGAIN);
  CHECK_ERRNO(recv(file, text, 1, 0), ENOTSOCK);
  CHECK_ERRNO(recv(-1, text, 1, 0), EBADF);
  close(server);
  close(client);
  close(listener);
}

static void test_made_files(void) {
  CHECK_ERRNO(syscall(SYS_eventfd2, 0, 0x10), EINVAL);
  const int event = (int)syscall(SYS_eventfd2, 5, 0);
  unsigned long count = 0;
  CHECK(read(event, &count, sizeof count) == sizeof count && count == 5);
  close(event);
  const int watcher = (int)syscall(SYS_inotify_init);
  CHECK(watcher >= 0 && close(watcher) == 0);
}

static void test_clock(void) {
  struct timex now = {0};
  CHECK(adjtimex(&now) >= 0 && now.time.tv_sec > 1000000000);
  struct timex again = {0};
  CHECK(clock_adjtime(CLOCK_REALTIME, &again) >= 0 && again.time.tv_sec >= now.time.tv_sec);
  CHECK_ERRNO(clock_adjtime(CLOCK_MONOTONIC, &again), EOPNOTSUPP);
  CHECK_ERRNO(syscall(SYS_adjtimex, NULL), EFAULT);
}

int main(void) {
  CHECK(mkdtemp(directory) != NULL);
  char name[64];
  snprintf(name, sizeof name, "%s/file", directory);
  file = open(name, O_RDWR | O_CREAT, 0600);
  CHECK(file >= 0);
  test_groups_of_processes();
  test_ends();
  test_directories();
  test_attributes();
  test_data();
  test_flags_of_transfers();
  test_appends();
  test_sockets();
  test_made_files();
  test_clock();
  close(file);
  unlink(name);
  rmdir(directory);
  return conclude("rest");
}
