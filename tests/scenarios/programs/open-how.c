// SPDX-License-Identifier: Apache-2.0
// openat2: what its path may lead through, on the host and in file systems of the enclave's own.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

static int open_how(int dirfd, const char* path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};
  return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
}

static int resolve(int dirfd, const char* path, uint64_t how) { return open_how(dirfd, path, O_RDONLY, 0, how); }

/* Opens, and closes again. */
static int opens(int dirfd, const char* path, uint64_t how) {
  const int fd = resolve(dirfd, path, how);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static int holds(int fd, const char* text) {
  char got[32] = "";
  const ssize_t length = read(fd, got, sizeof got - 1);
  close(fd);
  return length == (ssize_t)strlen(text) && strcmp(got, text) == 0;
}

static void put(int dirfd, const char* path, const char* text) {
  const int fd = openat(dirfd, path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
  CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}

static void structs(int at) {
  struct {
    struct open_how how;
    uint64_t more;
  } longer = {.how = {.flags = O_RDONLY}};
  CHECK_ERRNO(syscall(SYS_openat2, at, "file", &longer.how, 8), EINVAL);
  CHECK_ERRNO(syscall(SYS_openat2, at, "file", &longer.how, 1 << 20), E2BIG);
  int fd = (int)syscall(SYS_openat2, at, "file", &longer, sizeof longer);
  CHECK(fd >= 0 && close(fd) == 0);
  longer.more = 1;
  CHECK_ERRNO(syscall(SYS_openat2, at, "file", &longer, sizeof longer), E2BIG);
  CHECK_ERRNO(syscall(SYS_openat2, at, "file", NULL, sizeof longer.how), EFAULT);
  CHECK_ERRNO(open_how(at, "file", 1ull << 40, 0, 0), EINVAL);
  CHECK_ERRNO(open_how(at, "file", 1ull << 30, 0, 0), EINVAL);
  CHECK_ERRNO(open_how(at, "file", O_RDONLY, 0600, 0), EINVAL);
  CHECK_ERRNO(open_how(at, "file", O_CREAT, 010000, 0), EINVAL);
  CHECK_ERRNO(open_how(at, "file", O_PATH | O_RDWR, 0, 0), EINVAL);
  CHECK_ERRNO(open_how(at, ".", O_TMPFILE | O_RDONLY, 0600, 0), EINVAL);
  CHECK_ERRNO(resolve(at, "file", 1 << 10), EINVAL);
  CHECK_ERRNO(resolve(at, "file", RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
  CHECK_ERRNO(open_how(at, "file", O_CREAT | O_RDWR, 0600, RESOLVE_CACHED), EAGAIN);
  CHECK_ERRNO(open_how(at, "file", O_TRUNC | O_RDWR, 0, RESOLVE_CACHED), EAGAIN);
  CHECK_ERRNO(resolve(at, "", RESOLVE_BENEATH), ENOENT);
  CHECK_ERRNO(resolve(99, "file", RESOLVE_BENEATH), EBADF);
}

/* `at` is a directory with: file, folder/inner, and links. */
static void links(int at) {
  CHECK(symlinkat("file", at, "to-file") == 0 && symlinkat("folder", at, "to-folder") == 0);
  CHECK(symlinkat("../file", at, "folder/up") == 0 && symlinkat("../../file", at, "folder/too-far") == 0);
  CHECK(symlinkat("/file", at, "absolute") == 0 && symlinkat("loop", at, "loop") == 0);
  CHECK(symlinkat("nowhere", at, "dangling") == 0);

  CHECK(opens(at, "to-file", RESOLVE_BENEATH) && opens(at, "to-folder/inner", RESOLVE_BENEATH));
  CHECK(opens(at, "folder/up", RESOLVE_BENEATH) && opens(at, "folder/../file", RESOLVE_BENEATH));
  CHECK_ERRNO(resolve(at, "..", RESOLVE_BENEATH), EXDEV);
  CHECK_ERRNO(resolve(at, "folder/../../x", RESOLVE_BENEATH), EXDEV);
  CHECK_ERRNO(resolve(at, "folder/too-far", RESOLVE_BENEATH), EXDEV);
  CHECK_ERRNO(resolve(at, "absolute", RESOLVE_BENEATH), EXDEV);
  CHECK_ERRNO(resolve(at, "/etc/passwd", RESOLVE_BENEATH), EXDEV);
  CHECK_ERRNO(resolve(at, "file/..", RESOLVE_BENEATH), ENOTDIR);
  CHECK_ERRNO(resolve(at, "file/", RESOLVE_BENEATH), ENOTDIR);
  CHECK_ERRNO(resolve(at, "nothing", RESOLVE_BENEATH), ENOENT);
  CHECK_ERRNO(resolve(at, "dangling", RESOLVE_BENEATH), ENOENT);
  CHECK_ERRNO(resolve(at, "nothing/file", RESOLVE_BENEATH), ENOENT);

  CHECK(holds(resolve(at, "/file", RESOLVE_IN_ROOT), "outer"));
  CHECK(holds(resolve(at, "absolute", RESOLVE_IN_ROOT), "outer"));
  CHECK(holds(resolve(at, "../../../file", RESOLVE_IN_ROOT), "outer"));
  CHECK(holds(resolve(at, "folder/too-far", RESOLVE_IN_ROOT), "outer"));
  CHECK(holds(resolve(at, "/folder/inner", RESOLVE_IN_ROOT), "inner"));
  CHECK_ERRNO(resolve(at, "/etc/passwd", RESOLVE_IN_ROOT), ENOENT);

  CHECK(opens(at, "file", RESOLVE_NO_SYMLINKS) && opens(at, "folder/inner", RESOLVE_NO_SYMLINKS));
  CHECK_ERRNO(resolve(at, "to-file", RESOLVE_NO_SYMLINKS), ELOOP);
  CHECK_ERRNO(resolve(at, "to-folder/inner", RESOLVE_NO_SYMLINKS), ELOOP);
  CHECK_ERRNO(resolve(at, "loop", RESOLVE_BENEATH), ELOOP);
  CHECK(opens(at, "to-folder/inner", RESOLVE_NO_MAGICLINKS) && opens(at, "to-folder/inner", RESOLVE_NO_XDEV));
  CHECK_ERRNO(open_how(at, "to-file", O_NOFOLLOW, 0, RESOLVE_BENEATH), ELOOP);
  int fd = open_how(at, "to-file", O_NOFOLLOW | O_PATH, 0, RESOLVE_BENEATH);
  struct stat status;
  CHECK(fd >= 0 && fstat(fd, &status) == 0 && S_ISLNK(status.st_mode) && close(fd) == 0);

  fd = open_how(at, "folder/new", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0640, RESOLVE_BENEATH);
  CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && fstat(fd, &status) == 0 && (status.st_mode & 0777) == 0640);
  CHECK(write(fd, "n", 1) == 1 && close(fd) == 0 && unlinkat(at, "folder/new", 0) == 0);
  CHECK_ERRNO(open_how(at, "dangling", O_CREAT | O_EXCL | O_RDWR, 0600, RESOLVE_BENEATH), EEXIST);
  CHECK_ERRNO(open_how(at, "../new", O_CREAT | O_RDWR, 0600, RESOLVE_BENEATH), EXDEV);
  fd = open_how(at, "folder", O_DIRECTORY | O_PATH, 0, RESOLVE_BENEATH);
  CHECK(fd >= 0 && holds(openat(fd, "inner", O_RDONLY), "inner") && close(fd) == 0);
}

static void folder(const char* above) {
  char path[200];
  snprintf(path, sizeof path, "%s/open-how-XXXXXX", above);
  CHECK(mkdtemp(path) != NULL);
  const int at = open(path, O_RDONLY | O_DIRECTORY);
  CHECK(mkdirat(at, "folder", 0700) == 0);
  put(at, "file", "outer"), put(at, "folder/inner", "inner");
  structs(at);
  links(at);
  const int before = open(".", O_PATH);
  CHECK(chdir(path) == 0 && opens(AT_FDCWD, "to-folder/inner", RESOLVE_BENEATH));
  CHECK_ERRNO(resolve(AT_FDCWD, "..", RESOLVE_BENEATH), EXDEV);
  CHECK(fchdir(before) == 0 && close(before) == 0);
  const char* const files[] = {"file",     "to-file", "to-folder", "folder/up",   "folder/too-far",
                               "absolute", "loop",    "dangling",  "folder/inner"};
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i) CHECK(unlinkat(at, files[i], 0) == 0);
  CHECK(unlinkat(at, "folder", AT_REMOVEDIR) == 0 && rmdir(path) == 0);
  close(at);
}

/* Links that lead to things, not to names; mounts. */
static void proc(void) {
  const int file = open("/proc/self/exe", O_RDONLY), at = open("/proc/self", O_RDONLY | O_DIRECTORY);
  char link[32];
  snprintf(link, sizeof link, "fd/%d", file);
  CHECK(opens(at, link, 0));
  CHECK_ERRNO(resolve(at, link, RESOLVE_NO_MAGICLINKS), ELOOP);
  CHECK_ERRNO(resolve(at, "exe", RESOLVE_NO_MAGICLINKS), ELOOP);
  CHECK_ERRNO(resolve(at, "exe", RESOLVE_NO_SYMLINKS), ELOOP);
  CHECK_ERRNO(resolve(at, "exe", RESOLVE_BENEATH), EXDEV);
  CHECK_ERRNO(resolve(at, "cwd/.", RESOLVE_IN_ROOT), EXDEV);
  CHECK(opens(at, "status", RESOLVE_BENEATH) && opens(at, "status", RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS));
  CHECK(opens(AT_FDCWD, "/proc/self/status", RESOLVE_NO_MAGICLINKS));
  CHECK_ERRNO(resolve(AT_FDCWD, "/proc/self/status", RESOLVE_NO_SYMLINKS), ELOOP);
  CHECK_ERRNO(resolve(AT_FDCWD, "/proc/self/status", RESOLVE_NO_XDEV), EXDEV);
  close(file), close(at);
}

int main(void) {
  umask(0);
  folder(scratch_folder());
  folder("/dev/shm");
  proc();
  return conclude("open-how");
}
