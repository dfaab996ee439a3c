// SPDX-License-Identifier: Apache-2.0
// Record locks (fcntl's F_SETLK): between the enclave's processes they are decided here, because the host would take
// all processes of an application for one. What nobody here objects to is asked of the host as well, for files of its own:
// as locks of open file descriptions, which the application's other descriptors do not release.
#pragma once

#include "cokernel/kernel/fs/fd_table.hpp"

namespace hobbes::lwk::fs {

/// Linux's struct flock.
struct FileLock {
  enum Type : int16_t { read = 0, write = 1, unlock = 2 };
  int16_t type, whence;
  int32_t pad;
  int64_t start, length;
  int32_t pid, pad2;
};
static_assert(sizeof(FileLock) == 32);

/// F_SETLK, and with `wait` F_SETLKW; the locks are the table's.
[[nodiscard]] Sysret set_record_lock(FdTable& owner, const FileRef& file, const FileLock& lock, bool wait);
/// F_GETLK: who is in the way, or type `unlock`.
[[nodiscard]] Sysret get_record_lock(FdTable& owner, File& file, FileLock& lock);

/// The owner has closed a descriptor of the file: all its locks there go.
void release_record_locks(FdTable& owner, File& file);
/// The owner ends.
void release_record_locks(FdTable& owner);

}  // namespace hobbes::lwk::fs
