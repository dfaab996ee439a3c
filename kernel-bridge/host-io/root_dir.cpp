// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/root_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/open_in_root.hpp"

namespace hobbes::host_io {
namespace {

/// openat() ignores flags it does not know, openat2() refuses them.
constexpr int open_flags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |
                           O_SYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |
                           O_PATH | O_TMPFILE;
constexpr int path_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr unsigned mode_bits = 07777;

/// Where the descriptor's object is, as Linux names it.
int path_of(int fd, std::string& path) {
  std::array<char, PATH_MAX> buffer;
  const std::string link = fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = ::readlink(link.c_str(), buffer.data(), buffer.size());
  if (length < 0) return -errno;
  path.assign(buffer.data(), static_cast<std::size_t>(length));
  return 0;
}

bool lies_below(const std::string& root, const std::string& place) {
  return place.starts_with(root) && (place.size() == root.size() || place[root.size()] == '/');
}

std::string_view without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

bool is_directory_or_absent(const SafePath& safe) {
  struct stat found{};
  return ::fstatat(safe.dirfd, safe.path.data(), &found, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(found.st_mode);
}

}  // namespace

Result<RootDir> RootDir::open(const std::string& root) {
  UniqueFd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return last_errno("root directory: " + root);
  std::string place;
  if (const int failed = path_of(fd.get(), place); failed != 0) {
    return errno_error(-failed, "root directory: " + root + ": /proc is needed");
  }
  return RootDir(std::move(fd), place != "/");
}

int RootDir::resolve(const std::string& path, open_how how) const { return open_in_root(fd_.get(), path.c_str(), how); }

bool RootDir::holds(int fd) const {
  std::string root;
  std::string place;
  return path_of(fd_.get(), root) == 0 && path_of(fd, place) == 0 && lies_below(root, place);
}

int RootDir::from_root(int dirfd, std::string_view path, std::string& full) const {
  if (path.empty()) return -ENOENT;
  if (path.front() == '/') {
    full = path;
    return 0;
  }
  if (dirfd < 0 && dirfd != AT_FDCWD) return -EBADF;
  std::string root;
  std::string start;
  if (const int failed = path_of(fd_.get(), root); failed != 0) return failed;
  if (const int failed = path_of(dirfd, start); failed != 0) return failed;
  const bool below = lies_below(root, start);
  // A launcher may stand outside of the root; his application then starts at the root. A descriptor out there is of no
  // use.
  if (!below && dirfd != AT_FDCWD) return -EACCES;
  full = below ? start.substr(root.size()) : std::string();
  full += '/';
  full += path;
  return 0;
}

int RootDir::follow(int dirfd, std::string_view path, SafePath& safe) const {
  std::string full;
  if (const int failed = from_root(dirfd, path, full); failed != 0) return failed;
  const int fd = resolve(full, {.flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = 0});
  if (fd < 0) return fd;
  safe.fd.reset(fd);
  safe.dirfd = AT_FDCWD;
  std::snprintf(safe.path.data(), safe.path.size(), "/proc/self/fd/%d", fd);
  return 0;
}

int RootDir::keep(int dirfd, std::string_view path, SafePath& safe) const {
  std::string full;
  if (const int failed = from_root(dirfd, path, full); failed != 0) return failed;
  const std::string_view stripped = without_trailing_slashes(full);
  const std::size_t slash = stripped.rfind('/');
  std::string_view last = stripped.substr(slash + 1);
  std::string_view parent = stripped.substr(0, slash + 1);
  // ".." and "/" as last components would be resolved by the *at call itself, which knows no root.
  if (last == ".." || last.empty()) {
    parent = stripped;
    last = ".";
  }
  if (last.size() > NAME_MAX) return -ENAMETOOLONG;
  const int fd = resolve(std::string(parent), {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .mode = 0, .resolve = 0});
  if (fd < 0) return fd;
  safe.fd.reset(fd);
  safe.dirfd = fd;
  std::memcpy(safe.path.data(), last.data(), last.size());
  safe.path[last.size()] = '\0';
  return stripped.size() == full.size() || is_directory_or_absent(safe) ? 0 : -ENOTDIR;
}

int RootDir::open_at(int dirfd, std::string_view path, int flags, unsigned mode) const {
  std::string full;
  if (const int failed = from_root(dirfd, path, full); failed != 0) return failed;
  flags &= (flags & O_PATH) != 0 ? path_flags : open_flags;
  const bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return resolve(full, {.flags = static_cast<std::uint64_t>(flags),
                        .mode = makes ? mode & mode_bits : 0,
                        .resolve = 0});
}

int RootDir::open_at(int dirfd, std::string_view path, open_how how) const {
  how.resolve |= RESOLVE_NO_MAGICLINKS;
  std::string full(path);
  int start = fd_.get();
  if ((how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == 0) {
    if (const int failed = from_root(dirfd, path, full); failed != 0) return failed;
    how.resolve |= RESOLVE_IN_ROOT;
  } else {
    // What ends below a directory of the root ends below the root.
    if (!holds(dirfd)) return -EACCES;
    start = dirfd;
  }
  const long fd = ::syscall(SYS_openat2, start, full.c_str(), &how, sizeof how);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

}  // namespace hobbes::host_io
