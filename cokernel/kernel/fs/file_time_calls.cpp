// SPDX-License-Identifier: Apache-2.0
// utimensat and those that came before it.
#include "cokernel/kernel/fs/call_support.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr auto here = static_cast<uint64_t>(AT_FDCWD);
constexpr int64_t us_per_second = 1'000'000, ns_per_us = 1'000;

Change to_now() {
  Change change;
  change.set_atime = change.set_mtime = change.now = true;
  return change;
}

Change to_times(int64_t atime_ns, int64_t mtime_ns) {
  Change change;
  change.set_atime = change.set_mtime = true;
  change.atime_ns = atime_ns;
  change.mtime_ns = mtime_ns;
  return change;
}

/// utimensat's pair of times. 0 or -errno.
int load_times(UserAddr from, Change& change) {
  constexpr int64_t time_now = (1 << 30) - 1, time_omit = (1 << 30) - 2;
  change = to_now();
  if (from == 0) return 0;
  TimeSpec times[2];
  if (!read_user(from, times)) return -EFAULT;
  change.now = times[0].nanoseconds == time_now && times[1].nanoseconds == time_now;
  if (change.now) return 0;
  const auto load = [](const TimeSpec& time, bool& set, int64_t& ns) {
    set = time.nanoseconds != time_omit;
    if (!set) return true;
    ns = time.nanoseconds == time_now ? realtime_ns() : time.seconds * ns_per_second + time.nanoseconds;
    return time.nanoseconds == time_now || (time.nanoseconds >= 0 && time.nanoseconds < ns_per_second);
  };
  const bool valid = load(times[0], change.set_atime, change.atime_ns) &&
                     load(times[1], change.set_mtime, change.mtime_ns);
  return valid ? 0 : -EINVAL;
}

/// A pair of timevals. 0 or -errno.
int load_microseconds(UserAddr from, Change& change) {
  struct {
    int64_t seconds, microseconds;
  } times[2];
  change = to_now();
  if (from == 0) return 0;
  if (!read_user(from, times)) return -EFAULT;
  for (const auto& time : times)
    if (time.microseconds < 0 || time.microseconds >= us_per_second) return -EINVAL;
  change = to_times(times[0].seconds * ns_per_second + times[0].microseconds * ns_per_us,
                    times[1].seconds * ns_per_second + times[1].microseconds * ns_per_us);
  return 0;
}

Sysret change_path(Thread& self, uint64_t dirfd, UserAddr path, bool follow, const Change& change) {
  const Caller caller = Caller::of(*self.process);
  UserPlace place;
  if (const int error = place.load(caller, dirfd, path, follow); error != 0) return error;
  return place.system->change(caller, place.path, follow, change);
}

Sysret change_file(Thread& self, uint64_t fd, const Change& change) {
  const FileRef file = file_of(self, fd);
  return file && !file->path_only() ? file->change(change) : -EBADF;
}

}  // namespace

Sysret sys_utimensat(Thread& self, const Args& args) {
  const uint32_t flags = to_flags(args[3]);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return -EINVAL;
  Change change;
  if (const int error = load_times(args[2], change); error != 0) return error;
  if (!change.set_atime && !change.set_mtime) return 0;
  if (args[1] == 0 && to_fd(args[0]) != AT_FDCWD) return flags == 0 ? change_file(self, args[0], change) : -EINVAL;
  if (means_descriptor(args[0], args[1], flags)) return change_file(self, args[0], change);
  return change_path(self, args[0], args[1], (flags & AT_SYMLINK_NOFOLLOW) == 0, change);
}

Sysret sys_utime(Thread& self, const Args& args) {
  int64_t seconds[2];
  Change change = to_now();
  if (args[1] != 0) {
    if (!read_user(args[1], seconds)) return -EFAULT;
    change = to_times(seconds[0] * ns_per_second, seconds[1] * ns_per_second);
  }
  return change_path(self, here, args[0], true, change);
}

Sysret sys_utimes(Thread& self, const Args& args) {
  Change change;
  const int error = load_microseconds(args[1], change);
  return error != 0 ? error : change_path(self, here, args[0], true, change);
}

Sysret sys_futimesat(Thread& self, const Args& args) {
  Change change;
  if (const int error = load_microseconds(args[2], change); error != 0) return error;
  return args[1] == 0 && to_fd(args[0]) != AT_FDCWD ? change_file(self, args[0], change)
                                                    : change_path(self, args[0], args[1], true, change);
}

}  // namespace hobbes::lwk::fs
