// SPDX-License-Identifier: Apache-2.0
// The co-kernel's basic vocabulary.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace hobbes::lwk {

using PhysAddr = uint64_t;
using UserAddr = uint64_t;

inline constexpr uint64_t page_shift = 12;
inline constexpr uint64_t page_size = 1ull << page_shift;
inline constexpr uint64_t large_page_size = 2ull << 20;
inline constexpr int64_t never = -1;  ///< a deadline that never comes

/// What a system call returns: a value, or minus one of the errnos (Linux's numbers) below -1 .. -4095.
using Sysret = int64_t;

enum Errno : int {
  EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, E2BIG = 7, ENOEXEC = 8, EBADF = 9, ECHILD = 10,
  EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, EBUSY = 16, EEXIST = 17, EXDEV = 18, ENODEV = 19, ENOTDIR = 20,
  EISDIR = 21, EINVAL = 22, ENFILE = 23, EMFILE = 24, ENOTTY = 25, EFBIG = 27, ENOSPC = 28, ESPIPE = 29, EROFS = 30,
  EMLINK = 31, EPIPE = 32, ERANGE = 34, EDEADLK = 35, ENAMETOOLONG = 36, ENOSYS = 38, ENOTEMPTY = 39, ELOOP = 40,
  EOVERFLOW = 75, ENOTSOCK = 88, EOPNOTSUPP = 95, ECONNABORTED = 103, ETIMEDOUT = 110,
};

constexpr uint64_t align_down(uint64_t value, uint64_t alignment) { return value & ~(alignment - 1); }
constexpr uint64_t align_up(uint64_t value, uint64_t alignment) { return align_down(value + alignment - 1, alignment); }
constexpr uint64_t pages_of(uint64_t bytes) { return align_up(bytes, page_size) >> page_shift; }

template <typename T>
constexpr T min(T a, T b) { return a < b ? a : b; }
template <typename T>
constexpr T max(T a, T b) { return a < b ? b : a; }

/// Objects that are created once and have one address for life.
struct Immovable {
  Immovable() = default;
  Immovable(const Immovable&) = delete;
  Immovable& operator=(const Immovable&) = delete;
};

/// Which file it is, by what stat tells of it.
struct FileIdentity {
  uint64_t device = 0, inode = 0;
  bool operator==(const FileIdentity& other) const { return device == other.device && inode == other.inode; }
};

}  // namespace hobbes::lwk
