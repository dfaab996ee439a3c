// SPDX-License-Identifier: Apache-2.0
// Numbers and structs of Linux's x86-64 ABI that the calls about files share.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::fs {

/// Errnos that only files know.
enum FileErrno : int { ENOLCK = 37, ENODATA = 61, EDESTADDRREQ = 89, EMSGSIZE = 90 };

constexpr uint32_t flag_if(bool on, uint32_t flag) { return on ? flag : 0; }

enum OpenFlags : uint32_t {
  O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_ACCMODE = 3, O_CREAT = 0100, O_EXCL = 0200, O_NOCTTY = 0400,
  O_TRUNC = 01000, O_APPEND = 02000, O_NONBLOCK = 04000, O_DSYNC = 010000, O_ASYNC = 020000, O_DIRECT = 040000,
  O_LARGEFILE = 0100000, O_DIRECTORY = 0200000, O_NOFOLLOW = 0400000, O_NOATIME = 01000000, O_CLOEXEC = 02000000,
  O_SYNC = 04010000, O_PATH = 010000000, O_TMPFILE = 020200000,
};

enum AtFlags : uint32_t {
  AT_SYMLINK_NOFOLLOW = 0x100, AT_EACCESS = 0x200, AT_REMOVEDIR = 0x200, AT_SYMLINK_FOLLOW = 0x400,
  AT_NO_AUTOMOUNT = 0x800, AT_EMPTY_PATH = 0x1000, AT_STATX_SYNC_TYPE = 0x6000,
};
inline constexpr int AT_FDCWD = -100;

enum Mode : uint32_t {
  S_IFMT = 0170000, S_IFSOCK = 0140000, S_IFLNK = 0120000, S_IFREG = 0100000, S_IFBLK = 060000, S_IFDIR = 040000,
  S_IFCHR = 020000, S_IFIFO = 010000, S_ISUID = 04000, S_ISGID = 02000, S_ISVTX = 01000,
  mode_bits = 07777,  ///< what chmod may change
};
constexpr bool is_directory(uint32_t mode) { return (mode & S_IFMT) == S_IFDIR; }
constexpr bool is_regular(uint32_t mode) { return (mode & S_IFMT) == S_IFREG; }
constexpr bool is_link(uint32_t mode) { return (mode & S_IFMT) == S_IFLNK; }
/// A directory entry's d_type.
constexpr uint8_t entry_type(uint32_t mode) { return static_cast<uint8_t>((mode & S_IFMT) >> 12); }

enum AccessMode : uint32_t { access_exists = 0, access_execute = 1, access_write = 2, access_read = 4 };
enum Whence : uint32_t { SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2, SEEK_DATA = 3, SEEK_HOLE = 4 };
enum PollEvents : uint16_t {
  POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 0x10, POLLNVAL = 0x20, POLLRDNORM = 0x40,
  POLLWRNORM = 0x100,
};
enum Seals : uint32_t {
  F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8, F_SEAL_FUTURE_WRITE = 0x10, F_SEAL_EXEC = 0x20,
  seals_of_writing = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE, known_seals = 0x3f,
};
enum AllocateMode : uint32_t { FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2 };
enum TransferFlags : uint32_t {
  RWF_HIPRI = 1, RWF_DSYNC = 2, RWF_SYNC = 4, RWF_NOWAIT = 8, RWF_APPEND = 16, known_transfer_flags = 31,
};
enum RenameFlags : uint32_t { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2 };

inline constexpr size_t name_limit = 255;
inline constexpr uint64_t largest_transfer = 0x7ffff000;  ///< of one call, as Linux clips it
inline constexpr int64_t largest_file = INT64_MAX;

/// Linux's struct stat.
struct LinuxStat {
  uint64_t dev, ino, nlink;
  uint32_t mode, uid, gid, pad;
  uint64_t rdev;
  int64_t size, blksize, blocks;
  int64_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
  int64_t unused[3];
};
static_assert(sizeof(LinuxStat) == 144);

/// Linux's struct statfs.
struct LinuxStatfs {
  int64_t type, bsize;
  uint64_t blocks, bfree, bavail, files, ffree;
  int32_t fsid[2];
  int64_t namelen, frsize, flags, spare[4];
};
static_assert(sizeof(LinuxStatfs) == 120);

/// Linux's struct linux_dirent64, without the name that follows.
struct LinuxDirent {
  uint64_t ino;
  int64_t next;
  uint16_t record_size;
  uint8_t type;
} __attribute__((packed));
static_assert(sizeof(LinuxDirent) == 19);

}  // namespace hobbes::lwk::fs
