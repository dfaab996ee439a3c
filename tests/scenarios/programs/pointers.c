// SPDX-License-Identifier: Apache-2.0
// Bad pointers to every call that takes one: unmapped, read-only where the call writes, the co-kernel's own addresses,
// Linux's, addresses that wrap. EFAULT and nothing else; the program lives on.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

// Stand for arguments of a row.
#define BAD 0xbad0000000000001L    /* the bad pointer */
#define PATH 0xbad0000000000002L   /* "/" */
#define ROOM 0xbad0000000000003L   /* a page of zeros that may be written */
#define READ_FD 0xbad0000000000004L
#define WRITE_FD 0xbad0000000000005L
#define FILE_FD 0xbad0000000000006L /* a small file with something in it, in memory */
#define DIR_FD 0xbad0000000000007L
#define SOCKET 0xbad0000000000008L
#define LENGTH 0xbad0000000000009L /* a socklen_t of 16 */

enum { in = 0, out = 1 };  // what the call does with the memory: out also with read-only memory

struct Row {
  const char* name;
  long number;
  int direction;
  long arguments[6];
};

static const struct Row rows[] = {
    {"read", SYS_read, out, {FILE_FD, BAD, 4}},
    {"read a pipe", SYS_read, out, {READ_FD, BAD, 4}},
    {"write", SYS_write, in, {FILE_FD, BAD, 4}},
    {"write a pipe", SYS_write, in, {WRITE_FD, BAD, 4}},
    {"pread64", SYS_pread64, out, {FILE_FD, BAD, 4, 0}},
    {"pwrite64", SYS_pwrite64, in, {FILE_FD, BAD, 4, 0}},
    {"readv", SYS_readv, in, {FILE_FD, BAD, 1}},
    {"writev", SYS_writev, in, {FILE_FD, BAD, 1}},
    {"preadv", SYS_preadv, in, {FILE_FD, BAD, 1, 0, 0}},
    {"pwritev", SYS_pwritev, in, {FILE_FD, BAD, 1, 0, 0}},
    {"preadv2", SYS_preadv2, in, {FILE_FD, BAD, 1, 0, 0, 0}},
    {"pwritev2", SYS_pwritev2, in, {FILE_FD, BAD, 1, 0, 0, 0}},
    {"open", SYS_open, in, {BAD, 0}},
    {"creat", SYS_creat, in, {BAD, 0}},
    {"openat", SYS_openat, in, {AT_FDCWD, BAD, 0}},
    {"openat2", SYS_openat2, in, {AT_FDCWD, PATH, BAD, 24}},
    {"openat2's path", SYS_openat2, in, {AT_FDCWD, BAD, ROOM, 24}},
    {"stat's path", SYS_stat, in, {BAD, ROOM}},
    {"stat", SYS_stat, out, {PATH, BAD}},
    {"lstat", SYS_lstat, out, {PATH, BAD}},
    {"fstat", SYS_fstat, out, {FILE_FD, BAD}},
    {"newfstatat", SYS_newfstatat, out, {AT_FDCWD, PATH, BAD, 0}},
    {"statx", SYS_statx, out, {AT_FDCWD, PATH, 0, 0x7ff, BAD}},
    {"statx's path", SYS_statx, in, {AT_FDCWD, BAD, 0, 0x7ff, ROOM}},
    {"statfs", SYS_statfs, out, {PATH, BAD}},
    {"fstatfs", SYS_fstatfs, out, {FILE_FD, BAD}},
    {"access", SYS_access, in, {BAD, 0}},
    {"faccessat", SYS_faccessat, in, {AT_FDCWD, BAD, 0}},
    {"faccessat2", SYS_faccessat2, in, {AT_FDCWD, BAD, 0, 0}},
    {"poll", SYS_poll, in, {BAD, 1, 0}},
    {"ppoll", SYS_ppoll, in, {BAD, 1, 0, 0, 8}},
    {"ppoll's time", SYS_ppoll, in, {ROOM, 0, BAD, 0, 8}},
    {"ppoll's mask", SYS_ppoll, in, {ROOM, 0, 0, BAD, 8}},
    {"select", SYS_select, in, {64, BAD, 0, 0, 0}},
    {"select's time", SYS_select, in, {0, 0, 0, 0, BAD}},
    {"pselect6's time", SYS_pselect6, in, {0, 0, 0, 0, BAD, 0}},
    {"pipe", SYS_pipe, out, {BAD}},
    {"pipe2", SYS_pipe2, out, {BAD, 0}},
    {"sendfile's offset", SYS_sendfile, in, {WRITE_FD, FILE_FD, BAD, 1}},
    {"copy_file_range's offset", SYS_copy_file_range, in, {FILE_FD, BAD, FILE_FD, 0, 1, 0}},
    {"getcwd", SYS_getcwd, out, {BAD, 4096}},
    {"chdir", SYS_chdir, in, {BAD}},
    {"rename", SYS_rename, in, {BAD, PATH}},
    {"rename to", SYS_rename, in, {PATH, BAD}},
    {"renameat", SYS_renameat, in, {AT_FDCWD, BAD, AT_FDCWD, PATH}},
    {"renameat2", SYS_renameat2, in, {AT_FDCWD, BAD, AT_FDCWD, PATH, 0}},
    {"mkdir", SYS_mkdir, in, {BAD, 0}},
    {"mkdirat", SYS_mkdirat, in, {AT_FDCWD, BAD, 0}},
    {"rmdir", SYS_rmdir, in, {BAD}},
    {"link", SYS_link, in, {BAD, PATH}},
    {"linkat", SYS_linkat, in, {AT_FDCWD, BAD, AT_FDCWD, PATH, 0}},
    {"unlink", SYS_unlink, in, {BAD}},
    {"unlinkat", SYS_unlinkat, in, {AT_FDCWD, BAD, 0}},
    {"symlink", SYS_symlink, in, {BAD, PATH}},
    {"symlinkat", SYS_symlinkat, in, {BAD, AT_FDCWD, PATH}},
    {"readlink", SYS_readlink, in, {BAD, ROOM, 64}},
    {"readlink's buffer", SYS_readlink, out, {(long)"/proc/self/exe", BAD, 64}},
    {"readlinkat", SYS_readlinkat, in, {AT_FDCWD, BAD, ROOM, 64}},
    {"chmod", SYS_chmod, in, {BAD, 0}},
    {"fchmodat", SYS_fchmodat, in, {AT_FDCWD, BAD, 0}},
    {"chown", SYS_chown, in, {BAD, -1, -1}},
    {"lchown", SYS_lchown, in, {BAD, -1, -1}},
    {"fchownat", SYS_fchownat, in, {AT_FDCWD, BAD, -1, -1, 0}},
    {"mknod", SYS_mknod, in, {BAD, S_IFREG, 0}},
    {"mknodat", SYS_mknodat, in, {AT_FDCWD, BAD, S_IFREG, 0}},
    {"truncate", SYS_truncate, in, {BAD, 0}},
    {"utimensat", SYS_utimensat, in, {AT_FDCWD, BAD, 0, 0}},
    {"utimensat's times", SYS_utimensat, in, {FILE_FD, 0, BAD, 0}},
    {"getdents64", SYS_getdents64, out, {DIR_FD, BAD, 4096}},
    {"fcntl's lock", SYS_fcntl, in, {FILE_FD, F_GETLK, BAD}},
    {"memfd_create", SYS_memfd_create, in, {BAD, 0}},
    {"getrandom", SYS_getrandom, out, {BAD, 16, 0}},
    {"nanosleep", SYS_nanosleep, in, {BAD, 0}},
    {"clock_nanosleep", SYS_clock_nanosleep, in, {0, 0, BAD, 0}},
    {"clock_gettime", SYS_clock_gettime, out, {0, BAD}},
    {"clock_getres", SYS_clock_getres, out, {0, BAD}},
    {"gettimeofday", SYS_gettimeofday, out, {BAD, 0}},
    {"time", SYS_time, out, {BAD}},
    {"times", SYS_times, out, {BAD}},
    {"getrusage", SYS_getrusage, out, {0, BAD}},
    {"sysinfo", SYS_sysinfo, out, {BAD}},
    {"uname", SYS_uname, out, {BAD}},
    {"getrlimit", SYS_getrlimit, out, {7, BAD}},
    {"setrlimit", SYS_setrlimit, in, {7, BAD}},
    {"prlimit64", SYS_prlimit64, out, {0, 7, 0, BAD}},
    {"getresuid", SYS_getresuid, out, {BAD, ROOM, ROOM}},
    {"getresgid", SYS_getresgid, out, {ROOM, ROOM, BAD}},
    {"rt_sigaction", SYS_rt_sigaction, in, {SIGUSR1, BAD, 0, 8}},
    {"rt_sigaction's old one", SYS_rt_sigaction, out, {SIGUSR1, 0, BAD, 8}},
    {"rt_sigprocmask", SYS_rt_sigprocmask, in, {0, BAD, 0, 8}},
    {"rt_sigprocmask's old one", SYS_rt_sigprocmask, out, {0, 0, BAD, 8}},
    {"rt_sigpending", SYS_rt_sigpending, out, {BAD, 8}},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait, in, {BAD, 0, 0, 8}},
    {"rt_sigtimedwait's time", SYS_rt_sigtimedwait, in, {ROOM, 0, BAD, 8}},
    {"rt_sigsuspend", SYS_rt_sigsuspend, in, {BAD, 8}},
    {"sigaltstack", SYS_sigaltstack, in, {BAD, 0}},
    {"sigaltstack's old one", SYS_sigaltstack, out, {0, BAD}},
    {"futex", SYS_futex, in, {BAD, 0 /* FUTEX_WAIT */, 0, 0, 0, 0}},
    {"futex's time", SYS_futex, in, {ROOM, 0, 0, BAD, 0, 0}},
    {"sched_getaffinity", SYS_sched_getaffinity, out, {0, 128, BAD}},
    {"sched_setaffinity", SYS_sched_setaffinity, in, {0, 8, BAD}},
    {"getcpu", SYS_getcpu, out, {BAD, 0, 0}},
    {"execve", SYS_execve, in, {BAD, 0, 0}},
    {"execve's arguments", SYS_execve, in, {(long)"/proc/self/exe", BAD, 0}},
    {"execve's environment", SYS_execve, in, {(long)"/proc/self/exe", 0, BAD}},
    {"arch_prctl", SYS_arch_prctl, out, {0x1003 /* ARCH_GET_FS */, BAD}},
    {"prctl's name", SYS_prctl, in, {15, BAD}},
    {"prctl for the name", SYS_prctl, out, {16, BAD}},
    {"clone3", SYS_clone3, in, {BAD, 88}},
    {"bind", SYS_bind, in, {SOCKET, BAD, 16}},
    {"connect", SYS_connect, in, {SOCKET, BAD, 16}},
    {"getsockname", SYS_getsockname, out, {SOCKET, BAD, LENGTH}},
    {"getsockname's length", SYS_getsockname, in, {SOCKET, ROOM, BAD}},
    {"getsockopt", SYS_getsockopt, out, {SOCKET, SOL_SOCKET, SO_TYPE, BAD, LENGTH}},
    {"getsockopt's length", SYS_getsockopt, in, {SOCKET, SOL_SOCKET, SO_TYPE, ROOM, BAD}},
    {"setsockopt", SYS_setsockopt, in, {SOCKET, SOL_SOCKET, SO_KEEPALIVE, BAD, 4}},
    {"sendmsg", SYS_sendmsg, in, {SOCKET, BAD, 0}},
    {"recvmsg", SYS_recvmsg, in, {SOCKET, BAD, MSG_DONTWAIT}},
};

static char* room;
static int descriptors[2], file, directory, internet;
static socklen_t length;

static long argument_of(long stands_for, uintptr_t bad) {
  switch (stands_for) {
    case BAD: return (long)bad;
    case PATH: return (long)"/";
    case ROOM: return (long)room;
    case READ_FD: return descriptors[0];
    case WRITE_FD: return descriptors[1];
    case FILE_FD: return file;
    case DIR_FD: return directory;
    case SOCKET: return internet;
    case LENGTH: length = 16; return (long)&length;
    default: return stands_for;
  }
}

static void try_row(const struct Row* row, const char* kind, uintptr_t bad) {
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = argument_of(row->arguments[i], bad);
  memset(room, 0, 4096);
  lseek(file, 0, SEEK_SET);
  lseek(directory, 0, SEEK_SET);
  errno = 0;
  const long result = syscall(row->number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (result == -1 && errno == EFAULT) return;
  printf("%s, %s: %ld, errno %d\n", row->name, kind, result, errno);
  ++failures;
}

int main(void) {
  struct Kind {
    const char* name;
    uintptr_t address;
    int out_only;
  } kinds[] = {
      {"unmapped", 0, 0},
      {"the page at 4 KiB", 4096, 0},
      {"read-only", 0, 1},
      {"the direct map", 0x7c0000000000 + (4ull << 30), 0},
      {"the kernel image", 0x7e0000000000 + 4096, 0},
      {"the end of user addresses", 0x7ffffffff000, 0},
      {"not canonical", 0x8000000000000000, 0},
      {"Linux", 0xffff888000000000, 0},
      {"wrapping", (uintptr_t)-16, 0},
      {"the last word", (uintptr_t)-4, 0},
  };
  const int kind_count = sizeof(kinds) / sizeof(kinds[0]);
  char* pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  room = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(pages != MAP_FAILED && room != MAP_FAILED);
  munmap(pages + 4096, 4096);
  mprotect(pages, 4096, PROT_READ);
  kinds[0].address = (uintptr_t)pages + 4096;
  kinds[2].address = (uintptr_t)pages;

  CHECK(pipe(descriptors) == 0);
  CHECK(write(descriptors[1], "some bytes", 10) == 10);
  file = memfd_create("file", 0);
  CHECK(file >= 0 && write(file, "0123456789", 10) == 10);
  directory = open("/", O_RDONLY | O_DIRECTORY);
  internet = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(directory >= 0 && internet >= 0);

  for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i)
    for (int kind = 0; kind < kind_count; ++kind)
      if (!kinds[kind].out_only || rows[i].direction == out) try_row(&rows[i], kinds[kind].name, kinds[kind].address);

  // A vector that lies well and points badly; a buffer that begins well and ends badly.
  for (int kind = 0; kind < kind_count; ++kind) {
    struct iovec bad = {(void*)kinds[kind].address, 4};
    if (!kinds[kind].out_only) CHECK_ERRNO(writev(descriptors[1], &bad, 1), EFAULT);
    lseek(file, 0, SEEK_SET);
    CHECK_ERRNO(readv(file, &bad, 1), EFAULT);
  }
  CHECK_ERRNO(syscall(SYS_getcwd, room, (size_t)0), ERANGE);
  CHECK_ERRNO(syscall(SYS_newfstatat, AT_FDCWD, "/", pages + 4096 - 8, 0), EFAULT);
  CHECK_ERRNO(syscall(SYS_uname, pages + 4096 - 8), EFAULT);

  // A status that cannot be told does not bring the child back.
  const pid_t child = fork();
  if (child == 0) _exit(3);
  CHECK_ERRNO(syscall(SYS_wait4, child, pages + 4096, 0, NULL), EFAULT);

  // Misaligned pointers are as good as others, except for a futex.
  char* odd = room + 1;
  CHECK(syscall(SYS_clock_gettime, 0, odd) == 0);
  CHECK(syscall(SYS_newfstatat, AT_FDCWD, "/", odd, 0) == 0);
  CHECK(syscall(SYS_rt_sigprocmask, 0, NULL, odd, 8L) == 0);
  CHECK_ERRNO(syscall(SYS_futex, odd, 0, 0, NULL, NULL, 0), EINVAL);
  return conclude("pointers");
}
