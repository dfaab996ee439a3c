// SPDX-License-Identifier: Apache-2.0
// FdTable: the file descriptors of a process. Any thread of any process; a file is let go of outside the lock, because
// closing may wait for the host.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/lock.hpp"

namespace hobbes::lwk {
struct App;
struct Process;
}  // namespace hobbes::lwk

namespace hobbes::lwk::fs {

class FdTable : Immovable {
 public:
  static constexpr int limit = 1024;  ///< RLIMIT_NOFILE

  /// A table with the launcher's standard input, output and error as 0, 1 and 2. Null: out of memory.
  [[nodiscard]] static FdTable* create_stdio(App& app);
  /// Adds, behind those, the host's descriptor that rank `number` of the application's own has for PMI. 0 or -ENOMEM.
  [[nodiscard]] int add_rank_descriptor(App& app, uint32_t number);
  /// For fork: the same open files under the same numbers. Null: out of memory.
  [[nodiscard]] FdTable* copy();
  ~FdTable();

  /// Empty: -EBADF.
  [[nodiscard]] FileRef get(int fd);
  /// The lowest free number from `lowest` on, or -EMFILE, -ENOMEM, -EINVAL (lowest beyond the limit).
  [[nodiscard]] int add(FileRef file, bool close_on_exec, int lowest = 0);
  /// dup2's half: `fd`, now the file's, whatever it was before; or -EBADF (beyond the limit), -ENOMEM.
  [[nodiscard]] int replace(int fd, FileRef file, bool close_on_exec);
  /// 0 or -EBADF.
  [[nodiscard]] int close(int fd);
  /// close_range's.
  void close_range(uint32_t first, uint32_t last, bool only_mark);
  void close_on_exec();

  /// FD_CLOEXEC: 0, 1, or -EBADF.
  [[nodiscard]] int closes_on_exec(int fd);
  [[nodiscard]] int set_close_on_exec(int fd, bool on);

  /// RLIMIT_NOFILE: no number from here on is given out any more.
  void set_limit(uint64_t count) {
    Guard guard(lock_);
    given_ = static_cast<int>(min<uint64_t>(count, limit));
  }
  /// It has record locks from now on, which closing a descriptor releases.
  void note_locks() { __atomic_store_n(&has_locks_, true, __ATOMIC_RELAXED); }  // read by its own process' threads

  /// The first open descriptor from `from` on, or -1.
  [[nodiscard]] int next_open(int from);

 private:
  struct Entry {
    File* file = nullptr;
    bool close_on_exec = false;
  };
  FdTable() = default;
  [[nodiscard]] int grow(uint32_t size);
  [[nodiscard]] bool is_open(int fd) const {
    return fd >= 0 && static_cast<uint32_t>(fd) < size_ && entries_[fd].file != nullptr;
  }

  void let_go_of_locks(File& file);

  bool has_locks_ = false;  ///< atomic
  Mutex lock_;
  Entry* entries_ = nullptr;
  uint32_t size_ = 0;
  int given_ = limit;
};

/// A descriptor of a process; empty: it is not open.
[[nodiscard]] FileRef file_of(Process& process, int fd);

}  // namespace hobbes::lwk::fs
