// SPDX-License-Identifier: Apache-2.0
// Whose a process is, and its limits: set*id as root and not, groups, capabilities, prlimit64, personality, and names
// that nobody may set.
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

static void in_child(void (*test)(void)) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    failures = 0;
    test();
    fflush(stdout);
    _exit(failures != 0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static int users_are(uid_t real, uid_t effective, uid_t saved) {
  uid_t r, e, s;
  const int told = getresuid(&r, &e, &s) == 0 && r == real && e == effective && s == saved;
  return told && getuid() == real && geteuid() == effective;
}
static int groups_are(gid_t real, gid_t effective, gid_t saved) {
  gid_t r, e, s;
  const int told = getresgid(&r, &e, &s) == 0 && r == real && e == effective && s == saved;
  return told && getgid() == real && getegid() == effective;
}

static void drop(uid_t user) {
  if (geteuid() == 0) CHECK(setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0);
}

static void test_unprivileged(void) {
  drop(4711);
  const uid_t me = getuid();
  CHECK(users_are(me, me, me) && groups_are(getgid(), getgid(), getgid()));
  CHECK(setuid(me) == 0 && setgid(getgid()) == 0);
  CHECK(setreuid(me, me) == 0 && setresuid(me, (uid_t)-1, me) == 0);
  CHECK_ERRNO(setuid(0), EPERM);
  CHECK_ERRNO(setgid(0), EPERM);
  CHECK_ERRNO(seteuid(0), EPERM);
  CHECK_ERRNO(setreuid(0, (uid_t)-1), EPERM);
  CHECK_ERRNO(setregid((gid_t)-1, 0), EPERM);
  CHECK_ERRNO(setresuid(0, 0, 0), EPERM);
  CHECK_ERRNO(setresgid(0, (gid_t)-1, (gid_t)-1), EPERM);
  CHECK_ERRNO(setuid((uid_t)-1), EINVAL);
  const gid_t group = 0;
  CHECK_ERRNO(setgroups(1, &group), EPERM);
  CHECK(setfsuid(0) == (int)me && setfsuid((uid_t)-1) == (int)me);
  CHECK_ERRNO(sethostname("x", 1), EPERM);
  CHECK_ERRNO(setdomainname("x", 1), EPERM);
  const struct rlimit more = {100, RLIM_INFINITY};
  const struct rlimit less = {10, 20};
  CHECK(setrlimit(RLIMIT_FSIZE, &less) == 0);
  CHECK_ERRNO(setrlimit(RLIMIT_FSIZE, &more), EPERM);
  CHECK_ERRNO(prlimit(0x3ffffff, RLIMIT_FSIZE, NULL, NULL), ESRCH);
}

static void test_root(void) {
  if (geteuid() != 0) return;
  CHECK(setresuid(1, 2, 3) == 0 && users_are(1, 2, 3));
  CHECK(setresuid((uid_t)-1, 3, (uid_t)-1) == 0 && users_are(1, 3, 3));
  CHECK_ERRNO(setresuid(0, 0, 0), EPERM);
}

static void test_root_for_a_while(void) {
  if (geteuid() != 0) return;
  CHECK(seteuid(5) == 0 && users_are(0, 5, 0));
  CHECK_ERRNO(setgid(77), EPERM);
  CHECK(seteuid(0) == 0 && users_are(0, 0, 0));
  CHECK(setgid(77) == 0 && groups_are(77, 77, 77));
  CHECK(setregid(78, 79) == 0 && groups_are(78, 79, 79));
  CHECK(setreuid(6, 7) == 0 && users_are(6, 7, 7));
  CHECK(setreuid(7, 6) == 0 && users_are(7, 6, 6));
  CHECK_ERRNO(setreuid(8, (uid_t)-1), EPERM);
}

static void test_groups(void) {
  gid_t groups[64] = {3, 4, 5};
  if (geteuid() != 0) return;
  CHECK(setgroups(3, groups) == 0);
  CHECK(getgroups(0, NULL) == 3);
  groups[0] = 0;
  CHECK(getgroups(64, groups) == 3 && groups[0] == 3 && groups[2] == 5);
  CHECK_ERRNO(getgroups(2, groups), EINVAL);
  CHECK_ERRNO(syscall(SYS_getgroups, -1, groups), EINVAL);
  CHECK_ERRNO(syscall(SYS_getgroups, 64, 8), EFAULT);
  CHECK_ERRNO(syscall(SYS_setgroups, 2, 8), EFAULT);
  CHECK_ERRNO(setgroups(65537, groups), EINVAL);
  CHECK(setgroups(0, NULL) == 0 && getgroups(0, NULL) == 0);
}

static void* see_user(void* unused) {
  CHECK(users_are(11, 11, 11));
  return unused;
}
static void test_threads(void) {
  if (geteuid() != 0) return;
  pthread_t id;
  CHECK(setuid(11) == 0);
  pthread_create(&id, NULL, see_user, NULL);
  pthread_join(id, NULL);
}

static void test_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2], none[2] = {0};
  CHECK(syscall(SYS_capget, &header, data) == 0);
  const int privileged = geteuid() == 0;
  CHECK(((data[0].effective & 1u << CAP_SETUID) != 0) == privileged);
  CHECK(syscall(SYS_capset, &header, data) == 0);
  CHECK(syscall(SYS_capset, &header, none) == 0);
  CHECK(syscall(SYS_capget, &header, data) == 0 && data[0].effective == 0 && data[0].permitted == 0);
  none[0].permitted = 1;
  CHECK_ERRNO(syscall(SYS_capset, &header, none), EPERM);
  if (privileged) CHECK_ERRNO(setuid(1), EPERM);
  header.version = 1;
  CHECK_ERRNO(syscall(SYS_capget, &header, data), EINVAL);
  CHECK(header.version == _LINUX_CAPABILITY_VERSION_3);
  header.version = 1;
  CHECK(syscall(SYS_capget, &header, NULL) == 0);
  header.pid = -1;
  CHECK_ERRNO(syscall(SYS_capget, &header, data), EINVAL);
  CHECK_ERRNO(syscall(SYS_capget, 8, data), EFAULT);
}

static void test_limits(void) {
  struct rlimit limit = {64, 64}, other;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  int last = 0, fd;
  while ((fd = dup(0)) >= 0) last = fd;
  CHECK(errno == EMFILE && last == 63);
  CHECK_ERRNO(dup2(0, 64), EBADF);
  CHECK_ERRNO(fcntl(0, F_DUPFD, 64), EINVAL);
  const pid_t child = fork();
  if (child == 0) _exit(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 64 ? 0 : 1);
  int status = 0;
  CHECK(prlimit(child, RLIMIT_NOFILE, NULL, &other) == 0 && other.rlim_cur == 64);
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
  limit.rlim_cur = 256 << 20;
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  void* large = mmap(NULL, 512 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(large == MAP_FAILED && errno == ENOMEM);
  void* small = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(small != MAP_FAILED);
  CHECK_ERRNO(getrlimit(99, &limit), EINVAL);
  limit = (struct rlimit){2, 1};
  CHECK_ERRNO(setrlimit(RLIMIT_CORE, &limit), EINVAL);
  CHECK_ERRNO(syscall(SYS_prlimit64, 0, RLIMIT_CORE, 8, NULL), EFAULT);
}

static void test_process_limit(void) {
  drop(4712);
  const struct rlimit few = {1, 1};
  CHECK(setrlimit(RLIMIT_NPROC, &few) == 0);
  CHECK_ERRNO(fork(), EAGAIN);
}

static void test_personality(void) {
  CHECK(personality(0xffffffff) == PER_LINUX);
  CHECK(personality(ADDR_NO_RANDOMIZE) == PER_LINUX);
  CHECK(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
}

int main(void) {
  in_child(test_unprivileged);
  in_child(test_root);
  in_child(test_root_for_a_while);
  in_child(test_groups);
  in_child(test_threads);
  in_child(test_capabilities);
  in_child(test_limits);
  in_child(test_process_limit);
  in_child(test_personality);
  return conclude("credentials");
}
