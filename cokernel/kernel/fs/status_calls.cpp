// SPDX-License-Identifier: Apache-2.0
// stat and its relatives.
#include "cokernel/kernel/fs/call_support.hpp"

namespace hobbes::lwk::fs {
namespace {

/// Linux's struct statx.
struct Statx {
  struct Time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t pad;
  };
  uint32_t mask, blksize;
  uint64_t attributes;
  uint32_t nlink, uid, gid;
  uint16_t mode, pad;
  uint64_t ino, size, blocks, attributes_mask;
  Time atime, btime, ctime, mtime;
  uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
  uint64_t mnt_id;
  uint64_t spare[13];
};
static_assert(sizeof(Statx) == 256);
constexpr uint32_t statx_basic = 0x7ff, statx_reserved = 0x80000000;

constexpr uint32_t major(uint64_t device) {
  return static_cast<uint32_t>((device >> 8 & 0xfff) | (device >> 32 & ~0xfffull));
}
constexpr uint32_t minor(uint64_t device) {
  return static_cast<uint32_t>((device & 0xff) | (device >> 12 & 0xffffff00));
}
constexpr Statx::Time statx_time(int64_t ns) {
  const TimeSpec time = to_time(ns);
  return {time.seconds, static_cast<uint32_t>(time.nanoseconds), 0};
}

LinuxStat to_stat(const FileStatus& status) {
  LinuxStat stat{};
  stat.dev = status.device;
  stat.ino = status.inode;
  stat.nlink = status.links;
  stat.mode = status.mode;
  stat.uid = status.uid;
  stat.gid = status.gid;
  stat.rdev = status.special_device;
  stat.size = static_cast<int64_t>(status.size);
  stat.blksize = static_cast<int64_t>(status.block_size);
  stat.blocks = static_cast<int64_t>(status.blocks);
  const TimeSpec atime = to_time(status.atime_ns), mtime = to_time(status.mtime_ns), ctime = to_time(status.ctime_ns);
  stat.atime = atime.seconds;
  stat.atime_ns = atime.nanoseconds;
  stat.mtime = mtime.seconds;
  stat.mtime_ns = mtime.nanoseconds;
  stat.ctime = ctime.seconds;
  stat.ctime_ns = ctime.nanoseconds;
  return stat;
}

Statx to_statx(const FileStatus& status) {
  Statx stat{};
  stat.mask = statx_basic;
  stat.blksize = static_cast<uint32_t>(status.block_size);
  stat.nlink = static_cast<uint32_t>(status.links);
  stat.uid = status.uid;
  stat.gid = status.gid;
  stat.mode = static_cast<uint16_t>(status.mode);
  stat.ino = status.inode;
  stat.size = status.size;
  stat.blocks = status.blocks;
  stat.atime = statx_time(status.atime_ns);
  stat.ctime = statx_time(status.ctime_ns);
  stat.mtime = statx_time(status.mtime_ns);
  stat.rdev_major = major(status.special_device);
  stat.rdev_minor = minor(status.special_device);
  stat.dev_major = major(status.device);
  stat.dev_minor = minor(status.device);
  return stat;
}

int status_of_place(const Caller& caller, const Place& place, bool follow, FileStatus& status) {
  follow = follow || place.must_be_directory;
  if (const int error = place.system->status(caller, place.path, follow, status); error != 0) return error;
  return place.must_be_directory && !is_directory(status.mode) ? -ENOTDIR : 0;
}

/// newfstatat's: an empty path with AT_EMPTY_PATH is the descriptor itself.
Sysret status_at(Thread& self, uint64_t dirfd, UserAddr path, uint32_t flags, FileStatus& status) {
  const bool follow = (flags & AT_SYMLINK_NOFOLLOW) == 0;
  UserPath text;
  if (const int error = text.load(path); error != 0) return error;
  const bool itself = text.empty() && (flags & AT_EMPTY_PATH) != 0;
  if (itself && to_fd(dirfd) != AT_FDCWD) {
    const FileRef file = file_of(self, dirfd);
    return file ? file->status(status) : -EBADF;
  }
  const Caller caller = Caller::of(*self.process);
  Place place;
  if (const int error = find_place(caller, to_fd(dirfd), itself ? "." : text.text(), follow, place); error != 0)
    return error;
  return status_of_place(caller, place, follow, status);
}

Sysret stat_at(Thread& self, uint64_t dirfd, UserAddr path, UserAddr to, uint32_t flags) {
  FileStatus status;
  if (const Sysret error = status_at(self, dirfd, path, flags, status); error < 0) return error;
  return write_user(to, to_stat(status)) ? 0 : -EFAULT;
}

Sysret access_at(Thread& self, uint64_t dirfd, UserAddr path, uint32_t want, uint32_t flags) {
  if (want > (access_read | access_write | access_execute)) return -EINVAL;
  if ((flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return -EINVAL;
  const Caller caller = Caller::of(*self.process);
  if (means_descriptor(dirfd, path, flags)) {
    FileStatus now;
    if (const Sysret error = status_at(self, dirfd, path, flags, now); error < 0) return error;
    return caller.may(want, now.mode, now.uid, now.gid) ? 0 : -EACCES;
  }
  UserPlace place;
  if (const int error = place.load(caller, dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) == 0); error != 0) return error;
  return place.system->access(caller, place.path, want, flags);
}

}  // namespace

Sysret sys_stat(Thread& self, const Args& args) {
  return stat_at(self, static_cast<uint64_t>(AT_FDCWD), args[0], args[1], 0);
}
Sysret sys_lstat(Thread& self, const Args& args) {
  return stat_at(self, static_cast<uint64_t>(AT_FDCWD), args[0], args[1], AT_SYMLINK_NOFOLLOW);
}
Sysret sys_fstat(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file) return -EBADF;
  FileStatus status;
  if (const Sysret error = file->status(status); error < 0) return error;
  return write_user(args[1], to_stat(status)) ? 0 : -EFAULT;
}
Sysret sys_newfstatat(Thread& self, const Args& args) {
  const uint32_t flags = to_flags(args[3]);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)) != 0) return -EINVAL;
  return stat_at(self, args[0], args[1], args[2], flags);
}

Sysret sys_statx(Thread& self, const Args& args) {
  const uint32_t flags = to_flags(args[2]);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) != 0) return -EINVAL;
  if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (to_flags(args[3]) & statx_reserved) != 0) return -EINVAL;
  FileStatus status;
  if (const Sysret error = status_at(self, args[0], args[1], flags, status); error < 0) return error;
  return write_user(args[4], to_statx(status)) ? 0 : -EFAULT;
}

Sysret sys_access(Thread& self, const Args& args) {
  return access_at(self, static_cast<uint64_t>(AT_FDCWD), args[0], to_flags(args[1]), 0);
}
Sysret sys_faccessat(Thread& self, const Args& args) {
  return access_at(self, args[0], args[1], to_flags(args[2]), 0);
}
Sysret sys_faccessat2(Thread& self, const Args& args) {
  return access_at(self, args[0], args[1], to_flags(args[2]), to_flags(args[3]));
}

Sysret sys_statfs(Thread& self, const Args& args) {
  const Caller caller = Caller::of(*self.process);
  UserPlace place;
  if (const int error = place.load(caller, static_cast<uint64_t>(AT_FDCWD), args[0], true); error != 0) return error;
  FileStatus status;
  if (const int error = status_of_place(caller, place, true, status); error != 0) return error;
  LinuxStatfs usage;
  if (const int error = place.system->usage(caller, place.path, usage); error != 0) return error;
  return write_user(args[1], usage) ? 0 : -EFAULT;
}

Sysret sys_fstatfs(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file) return -EBADF;
  LinuxStatfs usage{};
  if (const Sysret error = file->usage(usage); error < 0) return error;
  return write_user(args[1], usage) ? 0 : -EFAULT;
}

}  // namespace hobbes::lwk::fs
