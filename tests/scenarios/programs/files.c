// SPDX-License-Identifier: Apache-2.0
// Files: times, attributes, FIFOs, copies between descriptors, locks, directories; the flags and errnos of their calls.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include "tests/scenarios/programs/check.h"

#define BAD ((void*)0xffff800000000000)

static int new_file(const char* name, const char* text) {
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

static void test_status(void) {
  int fd = new_file("status", "12345");
  struct statx extended;
  CHECK(statx(AT_FDCWD, "status", 0, STATX_BASIC_STATS, &extended) == 0);
  CHECK(extended.stx_size == 5 && S_ISREG(extended.stx_mode));
  CHECK((extended.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
  struct stat plain;
  CHECK(fstat(fd, &plain) == 0 && plain.st_ino == extended.stx_ino && plain.st_nlink == 1);
  CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &extended) == 0 && extended.stx_size == 5);
  CHECK_ERRNO(statx(AT_FDCWD, "status", 0x8000, STATX_SIZE, &extended), EINVAL);
  CHECK_ERRNO(statx(AT_FDCWD, "status", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &extended), EINVAL);
  CHECK_ERRNO(statx(AT_FDCWD, "status", 0, 0x80000000u, &extended), EINVAL);
  CHECK_ERRNO(syscall(SYS_statx, AT_FDCWD, "status", 0, STATX_SIZE, BAD), EFAULT);
  CHECK_ERRNO(statx(AT_FDCWD, "", 0, STATX_SIZE, &extended), ENOENT);
  struct statfs usage;
  CHECK(statfs(".", &usage) == 0 && usage.f_bsize > 0 && fstatfs(fd, &usage) == 0);
  CHECK_ERRNO(statfs("none", &usage), ENOENT);
  CHECK(faccessat(AT_FDCWD, "status", R_OK | W_OK, 0) == 0);
  CHECK(syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH) == 0);
  CHECK(fchownat(fd, "", getuid(), getgid(), AT_EMPTY_PATH) == 0);
  CHECK_ERRNO(syscall(SYS_faccessat2, fd, "", R_OK, 0), ENOENT);
  CHECK_ERRNO(fchownat(fd, "", getuid(), getgid(), 0), ENOENT);
  CHECK_ERRNO(syscall(SYS_faccessat2, AT_FDCWD, "status", 8, 0), EINVAL);
  CHECK_ERRNO(syscall(SYS_faccessat2, AT_FDCWD, "status", R_OK, 1), EINVAL);
  close(fd);
}

static void test_times(void) {
  int fd = new_file("times", "");
  struct stat now;
  const struct timespec set[2] = {{1000, 123456789}, {2000, 987654321}};
  CHECK(utimensat(AT_FDCWD, "times", set, 0) == 0 && stat("times", &now) == 0);
  CHECK(now.st_atim.tv_sec == 1000 && now.st_atim.tv_nsec == 123456789 && now.st_mtim.tv_nsec == 987654321);
  const struct timespec half[2] = {{0, UTIME_OMIT}, {3000, 0}};
  CHECK(utimensat(fd, "", half, AT_EMPTY_PATH) == 0);
  CHECK_ERRNO(syscall(SYS_utimensat, fd, NULL, half, AT_SYMLINK_NOFOLLOW), EINVAL);
  CHECK(futimens(fd, half) == 0 && stat("times", &now) == 0 && now.st_atim.tv_sec == 1000);
  CHECK(now.st_mtim.tv_sec == 3000);
  const struct timespec none[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
  CHECK(utimensat(AT_FDCWD, "times", none, 0) == 0);
  const struct timespec bad[2] = {{0, 1000000000}, {0, 0}};
  CHECK_ERRNO(utimensat(AT_FDCWD, "times", bad, 0), EINVAL);
  CHECK_ERRNO(utimensat(AT_FDCWD, "times", set, 0x4000), EINVAL);
  CHECK_ERRNO(syscall(SYS_utimensat, AT_FDCWD, "times", BAD, 0), EFAULT);
  CHECK_ERRNO(utimensat(AT_FDCWD, "none", set, 0), ENOENT);
  const struct utimbuf seconds = {4000, 5000};
  CHECK(syscall(SYS_utime, "times", &seconds) == 0 && stat("times", &now) == 0 && now.st_mtim.tv_sec == 5000);
  const struct timeval micro[2] = {{6000, 7}, {7000, 999999}};
  CHECK(syscall(SYS_utimes, "times", micro) == 0 && stat("times", &now) == 0 && now.st_mtim.tv_nsec == 999999000);
  CHECK(syscall(SYS_futimesat, AT_FDCWD, "times", micro) == 0 && syscall(SYS_futimesat, fd, NULL, micro) == 0);
  const struct timeval bad_micro[2] = {{0, 1000000}, {0, 0}};
  CHECK_ERRNO(syscall(SYS_utimes, "times", bad_micro), EINVAL);
  CHECK(symlink("times", "times-link") == 0 && utimensat(AT_FDCWD, "times-link", set, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(lstat("times-link", &now) == 0 && now.st_mtim.tv_sec == 2000 && stat("times", &now) == 0);
  CHECK(now.st_mtim.tv_sec == 7000);
  close(fd);
}

static void test_attributes(void) {
  int fd = new_file("attributes", "");
  char value[64];
  if (setxattr("attributes", "user.test", "value", 5, 0) == 0) {  // the file system may have none
    CHECK(getxattr("attributes", "user.test", value, sizeof value) == 5 && memcmp(value, "value", 5) == 0);
    CHECK(fgetxattr(fd, "user.test", NULL, 0) == 5 && lgetxattr("attributes", "user.test", value, 64) == 5);
    CHECK_ERRNO(getxattr("attributes", "user.test", value, 2), ERANGE);
    CHECK_ERRNO(setxattr("attributes", "user.test", "x", 1, XATTR_CREATE), EEXIST);
    CHECK_ERRNO(fsetxattr(fd, "user.other", "x", 1, XATTR_REPLACE), ENODATA);
    CHECK(listxattr("attributes", NULL, 0) >= 10 && flistxattr(fd, value, sizeof value) >= 10);
    CHECK(removexattr("attributes", "user.test") == 0);
    CHECK_ERRNO(getxattr("attributes", "user.test", value, sizeof value), ENODATA);
    CHECK_ERRNO(fremovexattr(fd, "user.test"), ENODATA);
    CHECK_ERRNO(setxattr("attributes", "bad", "x", 1, 0), EOPNOTSUPP);
  }
  CHECK_ERRNO(setxattr("attributes", "user.test", "x", 1, 8), EINVAL);
  CHECK_ERRNO(setxattr("none", "user.test", "x", 1, 0), ENOENT);
  CHECK_ERRNO(fgetxattr(-1, "user.test", value, 1), EBADF);
  CHECK_ERRNO(getxattr("attributes", "", value, 1), ERANGE);
  CHECK_ERRNO(syscall(SYS_getxattr, "attributes", BAD, value, 1), EFAULT);
  CHECK_ERRNO(syscall(SYS_setxattr, "attributes", "user.test", BAD, 1, 0), EFAULT);
  CHECK(symlink("attributes", "attributes-link") == 0);
  CHECK_ERRNO(lgetxattr("attributes-link", "user.test", value, 1), ENODATA);
  close(fd);
}

static void test_nodes(void) {
  umask(027);
  CHECK(mkfifo("fifo", 0666) == 0);
  struct stat status;
  CHECK(stat("fifo", &status) == 0 && S_ISFIFO(status.st_mode) && (status.st_mode & 0777) == 0640);
  umask(022);
  CHECK_ERRNO(mkfifo("fifo", 0666), EEXIST);
  CHECK_ERRNO(mkfifo("none/fifo", 0666), ENOENT);
  CHECK_ERRNO(mknod("strange", 0170000 | 0644, 0), EINVAL);
  CHECK(mknod("regular", S_IFREG | 0600, 0) == 0 && stat("regular", &status) == 0 && S_ISREG(status.st_mode));
  CHECK_ERRNO(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
  pid_t child = fork();
  if (child == 0) {
    int to = open("fifo", O_WRONLY);
    _exit(write(to, "through", 7) != 7);
  }
  char text[16];
  int from = open("fifo", O_RDONLY);
  CHECK(from >= 0 && read(from, text, sizeof text) == 7 && memcmp(text, "through", 7) == 0 && read(from, text, 1) == 0);
  int result = 1;
  CHECK(waitpid(child, &result, 0) == child && result == 0);
  close(from);
}

static void test_copies(void) {
  int from = new_file("from", "0123456789"), to = new_file("to", "");
  int ends[2];
  char text[32];
  CHECK(pipe(ends) == 0);
  CHECK(copy_file_range(from, NULL, to, NULL, 4, 0) == 4 && lseek(from, 0, SEEK_CUR) == 4);
  loff_t at = 8, where = 4;
  CHECK(copy_file_range(from, &at, to, &where, 100, 0) == 2 && at == 10 && where == 6 && lseek(from, 0, SEEK_CUR) == 4);
  CHECK(pread(to, text, 32, 0) == 6 && memcmp(text, "012389", 6) == 0);
  CHECK_ERRNO(copy_file_range(from, NULL, to, NULL, 1, 1), EINVAL);
  CHECK_ERRNO(copy_file_range(from, NULL, ends[1], NULL, 1, 0), EINVAL);
  CHECK_ERRNO(copy_file_range(-1, NULL, to, NULL, 1, 0), EBADF);
  CHECK(sendfile(ends[1], from, NULL, 3) == 3 && read(ends[0], text, 32) == 3 && memcmp(text, "456", 3) == 0);
  off_t offset = 1;
  CHECK(sendfile(to, from, &offset, 2) == 2 && offset == 3);
  CHECK_ERRNO(sendfile(to, ends[0], NULL, 1), EINVAL);
  CHECK_ERRNO(splice(-1, NULL, ends[1], NULL, 1, 0), EBADF);
  CHECK_ERRNO(splice(from, NULL, to, NULL, 1, 0), EINVAL);
  CHECK_ERRNO(splice(ends[0], &where, to, NULL, 1, 0), ESPIPE);
  CHECK(splice(from, NULL, ends[1], NULL, 0, 0) == 0);
  CHECK_ERRNO(tee(from, ends[1], 1, 0), EINVAL);
  struct iovec pieces[2] = {{text, 2}, {text + 8, 3}};
  CHECK(preadv2(from, pieces, 2, 1, 0) == 5 && memcmp(text, "12", 2) == 0 && memcmp(text + 8, "345", 3) == 0);
  CHECK(lseek(from, 0, SEEK_SET) == 0 && preadv2(from, pieces, 2, -1, 0) == 5 && lseek(from, 0, SEEK_CUR) == 5);
  CHECK(pwritev2(to, pieces, 2, 0, 0) == 5);
  CHECK_ERRNO(preadv2(from, pieces, 2, 0, 0x10000), EOPNOTSUPP);
  CHECK_ERRNO(preadv(from, pieces, 2, -2), EINVAL);
  CHECK_ERRNO(syscall(SYS_readv, from, pieces, -1), EINVAL);
  CHECK_ERRNO(syscall(SYS_readv, from, BAD, 1), EFAULT);
  CHECK_ERRNO(pread(ends[0], text, 1, 0), ESPIPE);
  CHECK(posix_fallocate(to, 0, 100) == 0 && lseek(to, 0, SEEK_END) == 100);
  CHECK(fallocate(to, FALLOC_FL_KEEP_SIZE, 0, 5000) == 0 && lseek(to, 0, SEEK_END) == 100);
  CHECK_ERRNO(fallocate(to, 0, -1, 5), EINVAL);
  CHECK_ERRNO(fallocate(ends[1], 0, 0, 5), ESPIPE);
  CHECK(posix_fadvise(to, 0, 0, POSIX_FADV_WILLNEED) == 0 && posix_fadvise(ends[0], 0, 0, 0) == ESPIPE);
  CHECK(posix_fadvise(to, 0, 0, 77) == EINVAL && readahead(to, 0, 10) == 0);
  CHECK_ERRNO(readahead(ends[0], 0, 10), EINVAL);
  CHECK(sync_file_range(to, 0, 10, SYNC_FILE_RANGE_WRITE) == 0);
  CHECK_ERRNO(sync_file_range(to, -1, 10, 0), EINVAL);
  CHECK_ERRNO(sync_file_range(ends[0], 0, 10, 0), ESPIPE);
  CHECK_ERRNO(fsync(ends[0]), EINVAL);
  int waiting = -1;
  CHECK(write(ends[1], "abc", 3) == 3 && ioctl(ends[0], FIONREAD, &waiting) == 0 && waiting == 3);
  int on = 1;
  CHECK(ioctl(ends[0], FIONBIO, &on) == 0 && (fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0);
  CHECK(lseek(from, 0, SEEK_SET) == 0 && ioctl(from, FIONREAD, &waiting) == 0 && waiting == 10);
  struct winsize window;
  CHECK_ERRNO(ioctl(ends[0], TIOCGWINSZ, &window), ENOTTY);
  CHECK_ERRNO(ioctl(from, TIOCGWINSZ, &window), ENOTTY);
  close(from), close(to), close(ends[0]), close(ends[1]);
}

/// In a child of its own: the errno of a try for a lock, or 0.
static int lock_elsewhere(int command, short type, off_t start, off_t length) {
  pid_t child = fork();
  if (child == 0) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    int fd = open("locked", O_RDWR);
    _exit(fcntl(fd, command, &lock) == 0 ? 0 : errno);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

static void test_locks(void) {
  int fd = new_file("locked", "0123456789"), other = open("locked", O_RDWR);
  CHECK(flock(fd, LOCK_EX) == 0);
  CHECK_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
  CHECK(flock(fd, LOCK_UN) == 0 && flock(other, LOCK_SH | LOCK_NB) == 0 && flock(fd, LOCK_SH) == 0);
  CHECK_ERRNO(flock(fd, 77), EINVAL);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
  CHECK(fcntl(fd, F_OFD_SETLK, &lock) == 0);
  CHECK_ERRNO(fcntl(other, F_OFD_SETLK, &lock), EAGAIN);
  lock.l_type = F_UNLCK;
  CHECK(fcntl(fd, F_OFD_SETLK, &lock) == 0);
  lock.l_type = F_WRLCK;
  CHECK(fcntl(other, F_OFD_SETLK, &lock) == 0 && close(other) == 0);
  lock.l_pid = 0;
  CHECK(fcntl(fd, F_SETLK, &lock) == 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);
  CHECK(lock_elsewhere(F_SETLK, F_RDLCK, 4, 1) == EAGAIN && lock_elsewhere(F_SETLK, F_RDLCK, 5, 1) == 0);
  lock = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1};
  CHECK(fcntl(fd, F_SETLK, &lock) == 0);
  CHECK(lock_elsewhere(F_SETLK, F_WRLCK, 3, 1) == 0 && lock_elsewhere(F_SETLK, F_WRLCK, 3, 2) == EAGAIN);
  lock = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  CHECK(fcntl(fd, F_SETLK, &lock) == 0);
  CHECK(lock_elsewhere(F_SETLK, F_RDLCK, 0, 0) == 0 && lock_elsewhere(F_SETLK, F_WRLCK, 100, 1) == EAGAIN);
  pid_t child = fork();
  if (child == 0) {
    struct flock found = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    _exit(!(fcntl(fd, F_GETLK, &found) == 0 && found.l_type == F_RDLCK && found.l_pid == getppid()));
  }
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  close(open("locked", O_RDONLY));  // any close of the file lets the process' locks go
  CHECK(lock_elsewhere(F_SETLK, F_WRLCK, 0, 0) == 0);
  lock = (struct flock){.l_type = 7};
  CHECK_ERRNO(fcntl(fd, F_SETLK, &lock), EINVAL);
  CHECK_ERRNO(syscall(SYS_fcntl, fd, F_SETLK, BAD), EFAULT);
  close(fd);
}

static void test_names(void) {
  close(new_file("old", "old")), close(new_file("new", "new"));
  CHECK_ERRNO(renameat2(AT_FDCWD, "old", AT_FDCWD, "new", RENAME_NOREPLACE), EEXIST);
  CHECK(renameat2(AT_FDCWD, "old", AT_FDCWD, "new", RENAME_EXCHANGE) == 0);
  CHECK_ERRNO(renameat2(AT_FDCWD, "old", AT_FDCWD, "new", RENAME_NOREPLACE | RENAME_EXCHANGE), EINVAL);
  CHECK(mkdir("directory", 0755) == 0 && mkdir("directory/inner", 0755) == 0);
  CHECK_ERRNO(rmdir("directory"), ENOTEMPTY);
  CHECK_ERRNO(rename("directory", "directory/inner/deep"), EINVAL);
  CHECK_ERRNO(unlink("directory"), EISDIR);
  CHECK_ERRNO(rename("old", "directory"), EISDIR);
  CHECK_ERRNO(link("directory", "other"), EPERM);
  CHECK_ERRNO(open("old/inner", O_RDONLY), ENOTDIR);
  CHECK_ERRNO(open("directory", O_WRONLY), EISDIR);
  char longest[NAME_MAX + 2];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  CHECK_ERRNO(open(longest, O_RDONLY), ENAMETOOLONG);
  CHECK(symlink("loop", "loop") == 0);
  CHECK_ERRNO(open("loop", O_RDONLY), ELOOP);
  CHECK_ERRNO(open("loop", O_RDONLY | O_NOFOLLOW), ELOOP);
  struct file_handle handle = {.handle_bytes = 0};
  int mount;
  CHECK(name_to_handle_at(AT_FDCWD, "old", &handle, &mount, 0) == -1);
  CHECK_ERRNO(chroot("none"), ENOENT);
  CHECK_ERRNO(chroot("old"), ENOTDIR);
  int seen = 0;
  DIR* directory = opendir("directory");
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;)
    seen += strcmp(entry->d_name, "inner") == 0 && entry->d_type == DT_DIR;
  CHECK(seen == 1);
  closedir(directory);
  char small[8];
  int fd = open("directory", O_RDONLY | O_DIRECTORY);
  CHECK_ERRNO(syscall(SYS_getdents64, fd, small, sizeof small), EINVAL);
  CHECK_ERRNO(read(fd, small, 1), EISDIR);
  close(fd);
}

static void test_descriptors(void) {
  int first = open("/dev/null", O_RDWR);
  CHECK(dup2(first, 40) == 40 && dup2(first, 41) == 41 && dup2(first, 43) == 43);
  CHECK(syscall(SYS_close_range, 40, 41, 4) == 0 && fcntl(40, F_GETFD) == FD_CLOEXEC && fcntl(43, F_GETFD) == 0);
  CHECK(syscall(SYS_close_range, 40, 43, 0) == 0);
  CHECK_ERRNO(fcntl(40, F_GETFD), EBADF);
  CHECK_ERRNO(syscall(SYS_close_range, 41, 40, 0), EINVAL);
  CHECK_ERRNO(dup3(first, first, 0), EINVAL);
  CHECK_ERRNO(dup2(first, -1), EBADF);
  CHECK_ERRNO(fcntl(first, F_DUPFD, -1), EINVAL);
  CHECK_ERRNO(close(-1), EBADF);
  unsigned char random[16] = {0};
  CHECK(syscall(SYS_getrandom, random, sizeof random, 1) == sizeof random);
  CHECK_ERRNO(syscall(SYS_getrandom, random, 1, 0x100), EINVAL);
  CHECK_ERRNO(syscall(SYS_getrandom, BAD, 16, 0), EFAULT);
  close(first);
}

static int drop(const char* path, const struct stat* status, int kind, struct FTW* place) {
  (void)status, (void)kind, (void)place;
  return remove(path);
}

int main(void) {
  char place[40];
  snprintf(place, sizeof place, "%s/files-XXXXXX", scratch_folder());
  CHECK(mkdtemp(place) != NULL && chdir(place) == 0);
  test_status();
  test_times();
  test_attributes();
  test_nodes();
  test_copies();
  test_locks();
  test_names();
  test_descriptors();
  CHECK(chdir(scratch_folder()) == 0);
  CHECK(nftw(place, drop, 8, FTW_DEPTH | FTW_PHYS) == 0);
  return conclude("files");
}
