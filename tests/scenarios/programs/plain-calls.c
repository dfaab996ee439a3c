// SPDX-License-Identifier: Apache-2.0
// Old and plain calls, by their own numbers where the C library would make newer ones: names and modes of files, clocks,
// what a process is called, and what only an administrator may.
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void modes_and_sizes(int at) {
  struct stat status;
  int fd = (int)syscall(SYS_creat, "made", 0640);
  CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10 && close(fd) == 0);
  CHECK_ERRNO(syscall(SYS_creat, "no/such", 0600), ENOENT);
  CHECK_ERRNO(syscall(SYS_creat, ".", 0600), EISDIR);
  CHECK(syscall(SYS_stat, "made", &status) == 0 && (status.st_mode & 07777) == 0640 && status.st_size == 10);
  CHECK(syscall(SYS_truncate, "made", 4L) == 0 && syscall(SYS_newfstatat, at, "made", &status, 0) == 0);
  CHECK(status.st_size == 4);
  CHECK(syscall(SYS_truncate, "made", 8L) == 0 && syscall(SYS_lstat, "made", &status) == 0 && status.st_size == 8);
  CHECK_ERRNO(syscall(SYS_truncate, "made", -1L), EINVAL);
  CHECK_ERRNO(syscall(SYS_truncate, ".", 0L), EISDIR);
  CHECK_ERRNO(syscall(SYS_truncate, "none", 0L), ENOENT);
  CHECK(syscall(SYS_chmod, "made", 0604) == 0 && stat("made", &status) == 0 && (status.st_mode & 07777) == 0604);
  CHECK(syscall(SYS_fchmodat, at, "made", 0600) == 0 && stat("made", &status) == 0 && (status.st_mode & 07777) == 0600);
  CHECK_ERRNO(syscall(SYS_chmod, "none", 0600), ENOENT);
  CHECK_ERRNO(syscall(SYS_fchmodat, 99, "made", 0600), EBADF);
  CHECK(syscall(SYS_chown, "made", getuid(), getgid()) == 0 && syscall(SYS_chown, "made", -1, -1) == 0);
  CHECK_ERRNO(syscall(SYS_chown, "none", -1, -1), ENOENT);
  CHECK(symlink("none", "dangling") == 0 && syscall(SYS_lchown, "dangling", getuid(), getgid()) == 0);
  CHECK_ERRNO(syscall(SYS_chown, "dangling", -1, -1), ENOENT);
  CHECK_ERRNO(syscall(SYS_newfstatat, at, "dangling", &status, 0), ENOENT);
  CHECK(syscall(SYS_newfstatat, at, "dangling", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode));
  CHECK_ERRNO(syscall(SYS_newfstatat, at, "made", &status, 1 << 30), EINVAL);
  CHECK(unlink("dangling") == 0);
}

static void names(int at) {
  struct stat one, two;
  char text[16] = "";
  CHECK(syscall(SYS_linkat, at, "made", at, "again", 0) == 0 && stat("made", &one) == 0 && stat("again", &two) == 0);
  CHECK(one.st_ino == two.st_ino && one.st_nlink == 2);
  CHECK_ERRNO(syscall(SYS_linkat, at, "made", at, "again", 0), EEXIST);
  CHECK_ERRNO(syscall(SYS_linkat, at, "none", at, "other", 0), ENOENT);
  CHECK_ERRNO(syscall(SYS_linkat, at, "made", at, "other", 1 << 20), EINVAL);
  CHECK(syscall(SYS_renameat, at, "again", at, "renamed") == 0 && access("again", F_OK) == -1);
  CHECK_ERRNO(syscall(SYS_renameat, at, "again", at, "renamed"), ENOENT);
  CHECK_ERRNO(syscall(SYS_renameat, at, "renamed", 99, "x"), EBADF);
  CHECK(syscall(SYS_symlinkat, "renamed", at, "link") == 0);
  CHECK(syscall(SYS_readlinkat, at, "link", text, sizeof text) == 7 && memcmp(text, "renamed", 8) == 0);
  CHECK(syscall(SYS_readlinkat, at, "link", text, 3L) == 3);
  CHECK_ERRNO(syscall(SYS_readlinkat, at, "renamed", text, sizeof text), EINVAL);
  CHECK_ERRNO(syscall(SYS_readlinkat, at, "link", text, 0L), EINVAL);
  CHECK(syscall(SYS_linkat, at, "link", at, "followed", AT_SYMLINK_FOLLOW) == 0 && stat("followed", &two) == 0);
  CHECK(one.st_ino == two.st_ino);
  CHECK(syscall(SYS_mknodat, at, "pipe", S_IFIFO | 0600, 0) == 0 && stat("pipe", &one) == 0 && S_ISFIFO(one.st_mode));
  CHECK(syscall(SYS_mknodat, at, "plain", S_IFREG | 0600, 0) == 0 && stat("plain", &one) == 0 && S_ISREG(one.st_mode));
  CHECK_ERRNO(syscall(SYS_mknodat, at, "plain", S_IFREG | 0600, 0), EEXIST);
  CHECK_ERRNO(syscall(SYS_mknodat, at, "odd", 0170000 | 0600, 0), EINVAL);
  const char* const all[] = {"made", "renamed", "link", "followed", "pipe", "plain"};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) CHECK(unlink(all[i]) == 0);
}

static void data(void) {
  char got[8] = "";
  struct iovec parts[] = {{"ab", 2}, {"cde", 3}};
  int fd = open("data", O_CREAT | O_RDWR | O_TRUNC, 0600), ends[2], pair[2];
  CHECK(pwritev(fd, parts, 2, 3) == 5 && pread(fd, got, 8, 0) == 8 && memcmp(got, "\0\0\0abcde", 8) == 0);
  CHECK(lseek(fd, 0, SEEK_CUR) == 0);
  CHECK_ERRNO(pwritev(fd, parts, 2, -5), EINVAL);
  CHECK_ERRNO(syscall(SYS_pwritev, fd, parts, -1L, 0L, 0L), EINVAL);
  CHECK(pipe(ends) == 0);
  CHECK_ERRNO(pwritev(ends[1], parts, 2, 0), ESPIPE);
  CHECK_ERRNO(vmsplice(-1, parts, 1, 0), EBADF);
  CHECK_ERRNO(vmsplice(fd, parts, 1, 0), EBADF);
  CHECK(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, pair) == 0 && write(pair[0], "to you", 6) == 6);
  CHECK(syscall(SYS_recvfrom, pair[1], got, 6L, 0x2, NULL, NULL) == 6 && memcmp(got, "to you", 6) == 0);
  CHECK(syscall(SYS_recvfrom, pair[1], got, 8L, 0x40, NULL, NULL) == 6);
  CHECK_ERRNO(syscall(SYS_recvfrom, pair[1], got, 8L, 0x40, NULL, NULL), EAGAIN);
  CHECK_ERRNO(syscall(SYS_recvfrom, fd, got, 8L, 0, NULL, NULL), ENOTSOCK);
  sync();
  close(fd), close(ends[0]), close(ends[1]), close(pair[0]), close(pair[1]);
  CHECK(unlink("data") == 0);
}

static void clocks(void) {
  struct timeval now;
  struct timespec real, step, left = {7, 7}, brief = {0, 1000}, soon;
  CHECK(syscall(SYS_gettimeofday, &now, NULL) == 0 && clock_gettime(CLOCK_REALTIME, &real) == 0);
  CHECK(real.tv_sec - now.tv_sec >= 0 && real.tv_sec - now.tv_sec <= 1 && now.tv_usec >= 0 && now.tv_usec < 1000000);
  CHECK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, &step) == 0 && step.tv_sec == 0 && step.tv_nsec == 1);
  CHECK(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL) == 0);
  CHECK_ERRNO(syscall(SYS_clock_getres, 99, &step), EINVAL);
  CHECK(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &brief, &left) == 0 && left.tv_sec == 7);
  CHECK(clock_gettime(CLOCK_MONOTONIC, &soon) == 0);
  CHECK(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &soon, NULL) == 0);
  brief.tv_nsec = 1000000000;
  CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &brief, NULL), EINVAL);
  CHECK_ERRNO(syscall(SYS_clock_nanosleep, 99, 0, &soon, NULL), EINVAL);
  CHECK_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &soon, NULL), EOPNOTSUPP);
}

/* A child that asks to be told of its parent's end is. */
static void orphans(void) {
  int told[2];
  char byte = 0;
  CHECK(pipe(told) == 0);
  const pid_t parent = fork();
  if (parent == 0) {
    int ready[2];
    CHECK(pipe(ready) == 0);
    if (fork() == 0) {
      sigset_t wanted;
      sigemptyset(&wanted), sigaddset(&wanted, SIGUSR2);
      sigprocmask(SIG_BLOCK, &wanted, NULL);
      prctl(PR_SET_PDEATHSIG, SIGUSR2);
      const ssize_t sent = write(ready[1], "r", 1);
      const struct timespec patience = {20, 0};
      byte = sent == 1 && sigtimedwait(&wanted, NULL, &patience) == SIGUSR2 ? 'y' : 'n';
      _exit(write(told[1], &byte, 1) != 1);
    }
    _exit(read(ready[0], &byte, 1) != 1);
  }
  CHECK(waitpid(parent, NULL, 0) == parent && read(told[0], &byte, 1) == 1 && byte == 'y');
  close(told[0]), close(told[1]);
}

static void identities(void) {
  struct utsname system;
  char name[16] = "";
  uint64_t base = 0;
  CHECK(syscall(SYS_uname, &system) == 0 && strcmp(system.sysname, "Linux") == 0);
  CHECK(strcmp(system.machine, "x86_64") == 0);
  CHECK_ERRNO(syscall(SYS_uname, (void*)16), EFAULT);
  CHECK(prctl(PR_SET_NAME, "a name of fifteen and more") == 0 && prctl(PR_GET_NAME, name) == 0);
  CHECK(strcmp(name, "a name of fifte") == 0);
  CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
  int signal = 0;
  CHECK(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGUSR1 && prctl(PR_SET_PDEATHSIG, 0) == 0);
  CHECK_ERRNO(prctl(PR_SET_PDEATHSIG, 999), EINVAL);
  orphans();
  CHECK_ERRNO(prctl(9999), EINVAL);
  CHECK(syscall(SYS_arch_prctl, ARCH_GET_FS, &base) == 0 && base != 0);
  CHECK(syscall(SYS_arch_prctl, ARCH_SET_FS, base) == 0);
  CHECK_ERRNO(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
  const pid_t child = fork();
  if (child == 0) {
    CHECK(setsid() == getpid() && getpgrp() == getpid() && getsid(0) == getpid());
    CHECK_ERRNO(setsid(), EPERM);
    _exit(failures != 0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* Nobody in particular. */
static void refusals(void) {
  const struct timeval now = {0, 0};
  struct {
    struct file_handle head;
    char bytes[8];
  } handle = {.head = {.handle_bytes = 8, .handle_type = 1}};
  CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
  CHECK(syscall(SYS_setfsgid, 0) == 65534 && syscall(SYS_setfsgid, -1) == 65534);
  CHECK_ERRNO(syscall(SYS_settimeofday, &now, NULL), EPERM);
  CHECK_ERRNO(syscall(SYS_acct, NULL), EPERM);
  CHECK_ERRNO(syscall(SYS_pivot_root, "/", "/"), EPERM);
  CHECK_ERRNO(syscall(SYS_umount2, "/", 0), EPERM);
  CHECK_ERRNO(syscall(SYS_swapon, "/", 0), EPERM);
  CHECK_ERRNO(syscall(SYS_swapoff, "/"), EPERM);
  CHECK_ERRNO(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL), EPERM);
  CHECK_ERRNO(syscall(SYS_sethostname, "x", 1), EPERM);
  CHECK_ERRNO(syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, 0), EPERM);
  CHECK(syscall(SYS_setns, 0, CLONE_NEWUTS) == -1 && (errno == EPERM || errno == EINVAL));  // it names no namespace
}

int main(void) {
  char folder[200];
  snprintf(folder, sizeof folder, "%s/plain-calls-XXXXXX", scratch_folder());
  umask(0);
  CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
  const int at = open(".", O_RDONLY | O_DIRECTORY);
  modes_and_sizes(at);
  names(at);
  data();
  CHECK(close(at) == 0 && chdir("/") == 0 && rmdir(folder) == 0);
  clocks();
  identities();
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    failures = 0;
    refusals();
    fflush(stdout);
    _exit(failures != 0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  return conclude("plain-calls");
}
