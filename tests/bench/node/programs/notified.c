// SPDX-License-Identifier: Apache-2.0
// notified FILE CPU: lseek of the file, made by a supervisor that seccomp's user notification tells of it: what Linux
// offers to have a call made elsewhere. CPU is where the supervisor runs; the caller stays where it was started. The
// two share their descriptors, so the supervisor does what the proxy of an enclave does: the same call on the same
// file.
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tests/bench/node/programs/serve.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS  // Linux 6.6
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1
#endif

static int file, listener;

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void seek(uint64_t times) {
  for (; times > 0; --times) {
    if (lseek(file, 0, SEEK_CUR) != 0) fail("lseek");
  }
}

static int listen_for_seeks(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lseek, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no new privileges");
  const long made = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  if (made < 0) fail("seccomp");
  return (int)made;
}

static void stay_on(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (sched_setaffinity(0, sizeof only, &only) != 0) fail("supervisor's CPU");
}

/// Where both are on one CPU it saves Linux the search for another.
static void wake_caller_here(void) {
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) != 0)
    fprintf(stderr, "notified: without SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP: %s\n", strerror(errno));
}

static void supervise(void) {
  while (1) {
    struct seccomp_notif call;
    memset(&call, 0, sizeof call);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
      if (errno == EINTR || errno == ENOENT) continue;
      fail("supervisor: receive");
    }
    const long result = syscall(SYS_lseek, call.data.args[0], call.data.args[1], call.data.args[2]);
    struct seccomp_notif_resp answer = {call.id, result < 0 ? 0 : result, result < 0 ? -errno : 0, 0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0 && errno != ENOENT) fail("supervisor: send");
  }
}

static void start_supervisor(int cpu, int told) {
  const int here = sched_getcpu();
  const long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
  if (pid < 0) fail("clone");
  if (pid > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  stay_on(cpu);
  if (read(told, &listener, sizeof listener) != sizeof listener) _exit(1);
  if (cpu == here) wake_caller_here();
  supervise();
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  int tell[2];
  file = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(argv[1]);
  if (pipe(tell) != 0) fail("pipe");
  start_supervisor(atoi(argv[2]), tell[0]);
  listener = listen_for_seeks();
  if (write(tell[1], &listener, sizeof listener) != sizeof listener) fail("pipe");
  return serve(seek);
}
