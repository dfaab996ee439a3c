// SPDX-License-Identifier: Apache-2.0
// clone, clone3, vfork, posix_spawn, pidfds, waitid, queued signals.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define NEW_NAMESPACE 0x04000000 /* CLONE_NEWUTS */

static long clone3(struct clone_args* args, size_t size) { return syscall(SYS_clone3, args, size); }

static int status_of(pid_t child) {
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  return status;
}

static void test_refusals(void) {
  struct clone_args args = {.exit_signal = SIGCHLD};
  struct {
    struct clone_args known;
    char more[8];
  } longer = {{.exit_signal = SIGCHLD}, {1}};
  CHECK_ERRNO(clone3(&args, 63), EINVAL);
  CHECK_ERRNO(clone3(&args, 5000), E2BIG);
  CHECK_ERRNO(clone3((struct clone_args*)8, sizeof args), EFAULT);
  CHECK_ERRNO(clone3(&longer.known, sizeof longer), E2BIG);
  const uint64_t refused[] = {
      CLONE_THREAD, CLONE_SIGHAND, CLONE_THREAD | CLONE_SIGHAND, CLONE_FS | CLONE_NEWNS, CLONE_DETACHED, SIGCHLD,
      CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND, 1ull << 40};
  for (unsigned i = 0; i < sizeof refused / sizeof refused[0]; ++i) {
    struct clone_args wrong = {.flags = refused[i], .exit_signal = SIGCHLD};
    CHECK_ERRNO(clone3(&wrong, sizeof wrong), EINVAL);
  }
  args.exit_signal = 65;
  CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
  args = (struct clone_args){.exit_signal = SIGCHLD, .stack = 4096};
  CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
  args = (struct clone_args){.exit_signal = SIGCHLD, .set_tid_size = 1};
  CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
  args = (struct clone_args){.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&args, .set_tid_size = 99};
  CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
  CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &args, 0, 0), EINVAL);
  CHECK_ERRNO(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
}

static void test_unprivileged_namespaces(void) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setresuid(4711, 4711, 4711) != 0) _exit(2);
    struct clone_args args = {.flags = NEW_NAMESPACE, .exit_signal = SIGCHLD};
    _exit(clone3(&args, sizeof args) == -1 && errno == EPERM ? 0 : 1);
  }
  CHECK(status_of(child) == 0);
}

static void test_pidfd(void) {
  int fd = -1, tid = 0, second = 0;
  struct clone_args args = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND,
                            .exit_signal = SIGCHLD,
                            .pidfd = (uint64_t)(uintptr_t)&fd,
                            .parent_tid = (uint64_t)(uintptr_t)&tid,
                            .child_tid = (uint64_t)(uintptr_t)&second};
  const long child = clone3(&args, sizeof args);
  if (child == 0) {
    if (second != getpid()) _exit(1);
    for (;;) pause();
  }
  CHECK(child > 0 && tid == child && fd >= 0);
  CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
  struct pollfd poll_fd = {fd, POLLIN, 0};
  CHECK(poll(&poll_fd, 1, 0) == 0);
  CHECK_ERRNO(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 1 << 20), EINVAL);
  CHECK_ERRNO(syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0), EBADF);
  CHECK_ERRNO(syscall(SYS_pidfd_send_signal, fd, 99, NULL, 0), EINVAL);
  CHECK(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0);
  siginfo_t info = {0};
  CHECK(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
  CHECK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0);
  CHECK(poll(&poll_fd, 1, -1) == 1 && (poll_fd.revents & POLLIN) != 0);
  CHECK(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT) == 0 && info.si_pid == child);
  CHECK(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED) == 0);
  CHECK(info.si_signo == SIGCHLD && info.si_code == CLD_KILLED && info.si_status == SIGTERM && info.si_pid == child);
  CHECK_ERRNO(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0), ESRCH);
  CHECK_ERRNO(waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
  close(fd);
  fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  CHECK(fd >= 0);
  close(fd);
  CHECK_ERRNO(syscall(SYS_pidfd_open, getpid(), 1), EINVAL);
  CHECK_ERRNO(syscall(SYS_pidfd_open, -1, 0), EINVAL);
  CHECK_ERRNO(syscall(SYS_pidfd_open, 0x3ffffff, 0), ESRCH);
  CHECK_ERRNO(waitid((idtype_t)P_PIDFD, 999, &info, WEXITED), EBADF);
}

static void test_waits(void) {
  siginfo_t info;
  CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
  CHECK_ERRNO(waitpid(-1, NULL, 0x100), EINVAL);
  CHECK_ERRNO(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
  CHECK_ERRNO(waitid((idtype_t)9, 0, &info, WEXITED), EINVAL);
  CHECK_ERRNO(waitid(P_PID, 0, &info, WEXITED), EINVAL);
  const pid_t child = fork();
  if (child == 0) _exit(42);
  CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
  CHECK(info.si_code == CLD_EXITED && info.si_status == 42 && info.si_uid == getuid());
  CHECK(WEXITSTATUS(status_of(child)) == 42);
  struct clone_args quiet = {0};  // no signal on its end: only __WCLONE or __WALL sees it
  const long other = clone3(&quiet, sizeof quiet);
  if (other == 0) _exit(1);
  CHECK_ERRNO(waitpid((pid_t)other, NULL, 0), ECHILD);
  CHECK(waitpid((pid_t)other, NULL, (int)__WCLONE) == other);
}

/* The parent waits until the child is done, and sees what it wrote. */
static volatile int written;
static void test_vfork(void) {
  written = 0;
  pid_t child = vfork();
  if (child == 0) {
    written = 1;
    _exit(3);
  }
  CHECK(written == 1);
  CHECK(WEXITSTATUS(status_of(child)) == 3);
  child = vfork();
  if (child == 0) {
    written = 2;
    execl("/no/such/program", "program", (char*)NULL);
    written = errno;
    _exit(4);
  }
  CHECK(written == ENOENT && WEXITSTATUS(status_of(child)) == 4);
  child = vfork();
  if (child == 0) {
    execl("/proc/self/exe", "clones", "exit", (char*)NULL);
    _exit(4);
  }
  CHECK(WEXITSTATUS(status_of(child)) == 5);
}

static void test_spawn(void) {
  char *const arguments[] = {(char*)"clones", (char*)"exit", NULL}, *const none[] = {NULL};
  pid_t child = 0;
  for (int i = 0; i < 10; ++i) {
    CHECK(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, none) == 0);
    CHECK(WEXITSTATUS(status_of(child)) == 5);
  }
  CHECK(posix_spawn(&child, "/no/such/program", NULL, NULL, arguments, none) == ENOENT);
  CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
}

static void* spawn_many(void* unused) {
  char *const arguments[] = {(char*)"clones", (char*)"exit", NULL}, *const none[] = {NULL};
  for (int i = 0; i < 5; ++i) {
    pid_t child = 0;
    CHECK(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, none) == 0);
    CHECK(WEXITSTATUS(status_of(child)) == 5);
    void* memory = malloc(300000);  // mapped and unmapped while others' children borrow
    memset(memory, i, 300000);
    free(memory);
  }
  return unused;
}

static void test_spawning_threads(void) {
  pthread_t ids[4];
  for (int i = 0; i < 4; ++i) pthread_create(&ids[i], NULL, spawn_many, NULL);
  for (int i = 0; i < 4; ++i) pthread_join(ids[i], NULL);
}

static int sums[2], taken;
static void note(int signal, siginfo_t* info, void* context) {
  (void)context;
  if (info->si_code == SI_QUEUE) sums[signal == SIGUSR1] += info->si_value.sival_int;
  ++taken;
}

/* Signals from SIGRTMIN on queue, with what they carry; the others do not. */
static void test_queue(void) {
  struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
  sigset_t set;
  sigaction(SIGRTMIN, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int i = 1; i <= 10; ++i) {
    CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0);
    CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 100}) == 0);
  }
  siginfo_t info;
  sigset_t realtime;
  sigemptyset(&realtime);
  sigaddset(&realtime, SIGRTMIN);
  CHECK(sigwaitinfo(&realtime, &info) == SIGRTMIN && info.si_value.sival_int == 1 && info.si_pid == getpid());
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  CHECK(sums[0] == 54 && sums[1] == 100 && taken == 10);
  memset(&info, 0, sizeof info);
  info.si_code = SI_USER;
  CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &info), EPERM);
  CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, 0x3ffffff, 0, &(siginfo_t){.si_code = SI_QUEUE}), ESRCH);
  CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, 8), EFAULT);
  CHECK_ERRNO(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info), EINVAL);
  CHECK_ERRNO(syscall(SYS_tgkill, getpid(), 0, SIGUSR1), EINVAL);
  CHECK_ERRNO(syscall(SYS_tkill, -1, SIGUSR1), EINVAL);
}

int main(int argc, char** argv) {
  (void)argv;
  if (argc > 1) return 5;
  test_refusals();
  test_waits();
  test_unprivileged_namespaces();
  test_pidfd();
  test_vfork();
  test_spawn();
  test_spawning_threads();
  test_queue();
  return conclude("clones");
}
