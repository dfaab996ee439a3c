// SPDX-License-Identifier: Apache-2.0
// RootDir: the directory below which an application's paths end, whatever they say.
//
// Only openat2(RESOLVE_IN_ROOT) decides: the kernel resolves "..", absolute paths and symlinks inside the root, and
// follows no magic link of /proc. What comes back is a descriptor, and the call is made on it, so nobody can swap a
// component between check and use. Two shapes:
//   follow: the object itself, reached as /proc/self/fd/N;
//   keep:   its parent directory and its last component, for calls that make, remove or name that component itself.
// Paths relative to a directory descriptor start at that directory's own place below the root.
#pragma once

#include <linux/openat2.h>

#include <array>
#include <climits>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace hobbes::host_io {

/// A path made safe: what to pass to an *at call in its place.
struct SafePath {
  UniqueFd fd;          ///< holds on to the object or the parent
  int dirfd = -1;       ///< to pass as the directory
  std::array<char, NAME_MAX + 1> path;
};

class RootDir {
 public:
  /// Opens `root`. With "/" nothing is confined and the members below are not to be called.
  [[nodiscard]] static Result<RootDir> open(const std::string& root);

  [[nodiscard]] bool confines() const { return confines_; }

  /// Whether what a descriptor means lies below the root. Any thread.
  [[nodiscard]] bool holds(int fd) const;
  /// 0 or -errno, and `safe`. A path kept that ends in '/' means a directory: -ENOTDIR where something else is there.
  /// `dirfd` is AT_FDCWD or a descriptor already checked to be the application's. Any thread.
  [[nodiscard]] int follow(int dirfd, std::string_view path, SafePath& safe) const;
  [[nodiscard]] int keep(int dirfd, std::string_view path, SafePath& safe) const;
  /// openat() itself: the new descriptor or -errno.
  [[nodiscard]] int open_at(int dirfd, std::string_view path, int flags, unsigned mode) const;
  /// openat2() itself, with its own idea of what `dirfd` is the root of.
  [[nodiscard]] int open_at(int dirfd, std::string_view path, open_how how) const;

 private:
  RootDir(UniqueFd fd, bool confines) : fd_(std::move(fd)), confines_(confines) {}

  [[nodiscard]] int resolve(const std::string& path, open_how how) const;
  [[nodiscard]] int from_root(int dirfd, std::string_view path, std::string& full) const;

  UniqueFd fd_;
  bool confines_;
};

}  // namespace hobbes::host_io
