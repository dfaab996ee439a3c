// SPDX-License-Identifier: Apache-2.0
// What the handlers of calls about files share.
#pragma once

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/file_calls.hpp"
#include "cokernel/kernel/fs/namespace.hpp"
#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::fs {

inline int to_fd(uint64_t argument) { return static_cast<int>(argument); }
inline uint32_t to_flags(uint64_t argument) { return static_cast<uint32_t>(argument); }

/// A path argument, copied in. Check load() before the text.
class UserPath : Immovable {
 public:
  [[nodiscard]] int load(UserAddr from) { return path_ ? read_user_path(from, path_.text()) : -ENOMEM; }
  [[nodiscard]] const char* text() const { return path_.text(); }
  [[nodiscard]] bool empty() const { return *path_.text() == '\0'; }

 private:
  PathText path_;
};

/// A place named by a path argument.
struct UserPlace : Place {
  [[nodiscard]] int load(const Caller& caller, uint64_t dirfd, UserAddr from, bool follow) {
    UserPath text;
    if (const int error = text.load(from); error != 0) return error;
    return find_place(caller, to_fd(dirfd), text.text(), follow, *this);
  }
};

/// Whether an *at call means the descriptor itself: AT_EMPTY_PATH and an empty path.
[[nodiscard]] inline bool means_descriptor(uint64_t dirfd, UserAddr path, uint32_t flags) {
  char first = 1;
  return (flags & AT_EMPTY_PATH) != 0 && to_fd(dirfd) != AT_FDCWD && read_user(path, first) && first == '\0';
}

[[nodiscard]] inline FileRef file_of(Thread& self, uint64_t fd) { return file_of(*self.process, to_fd(fd)); }

/// A new descriptor for `file`.
[[nodiscard]] inline Sysret add_file(Thread& self, FileRef file, bool close_on_exec) {
  return self.process->files->add(static_cast<FileRef&&>(file), close_on_exec);
}

}  // namespace hobbes::lwk::fs
