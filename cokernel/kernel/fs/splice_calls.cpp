// SPDX-License-Identifier: Apache-2.0
// splice, tee and vmsplice, of which only the arguments are looked at: EINVAL tells programs to read and write instead,
// which they all can. And the advice that costs nothing to take.
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/pipe.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t splice_flags = 0xf;

/// 0, or -EBADF.
int check_ends(Thread& self, uint64_t from, uint64_t to) {
  const FileRef source = file_of(self, from), target = file_of(self, to);
  return source && source->readable() && target && target->writable() ? 0 : -EBADF;
}

}  // namespace

Sysret sys_splice(Thread& self, const Args& args) {
  if (args[4] == 0) return 0;
  if ((args[5] & ~splice_flags) != 0) return -EINVAL;
  if (const int error = check_ends(self, args[0], args[2]); error != 0) return error;
  const FileRef from = file_of(self, args[0]), to = file_of(self, args[2]);
  if (!from || !to) return -EBADF;
  const bool offset_of_pipe = (is_pipe(*from) && args[1] != 0) || (is_pipe(*to) && args[3] != 0);
  return offset_of_pipe ? -ESPIPE : -EINVAL;
}

Sysret sys_tee(Thread& self, const Args& args) {
  if ((args[3] & ~splice_flags) != 0) return -EINVAL;
  if (args[2] == 0) return 0;
  const int error = check_ends(self, args[0], args[1]);
  return error != 0 ? error : -EINVAL;
}

Sysret sys_vmsplice(Thread& self, const Args& args) {
  if ((args[3] & ~splice_flags) != 0) return -EINVAL;
  const FileRef file = file_of(self, args[0]);
  if (!file || !is_pipe(*file)) return -EBADF;
  return args[2] == 0 ? 0 : -EINVAL;
}

Sysret sys_readahead(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file || !file->readable()) return -EBADF;
  FileStatus now;
  if (const Sysret error = file->status(now); error < 0) return error;
  return is_regular(now.mode) || (now.mode & S_IFMT) == S_IFBLK ? 0 : -EINVAL;
}

Sysret sys_sync_file_range(Thread& self, const Args& args) {
  constexpr uint64_t known_flags = 7;
  const FileRef file = file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  const auto offset = static_cast<int64_t>(args[1]), size = static_cast<int64_t>(args[2]);
  int64_t end = 0;
  if ((args[3] & ~known_flags) != 0 || offset < 0 || size < 0 || __builtin_add_overflow(offset, size, &end))
    return -EINVAL;
  FileStatus now;
  if (const Sysret error = file->status(now); error < 0) return error;
  if (!is_regular(now.mode) && !is_directory(now.mode)) return -ESPIPE;
  return is_directory(now.mode) || args[3] == 0 ? 0 : file->sync(true);
}

}  // namespace hobbes::lwk::fs
