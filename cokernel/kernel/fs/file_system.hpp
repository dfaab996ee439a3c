// SPDX-License-Identifier: Apache-2.0
// FileSystem: what a mount in the name space can do.
#pragma once

#include "cokernel/kernel/fs/attributes.hpp"
#include "cokernel/kernel/fs/file.hpp"

namespace hobbes::lwk {
struct App;
struct Process;
}  // namespace hobbes::lwk

namespace hobbes::lwk::fs {

/// On whose behalf: an application's process, or the kernel itself.
struct Caller {
  Process* process = nullptr;
  App* app = nullptr;  ///< null: the kernel
  uint32_t uid = 0, gid = 0;

  [[nodiscard]] static Caller of(Process& process);
  [[nodiscard]] bool privileged() const { return uid == 0; }
  /// Whether mode bits (rwx, AccessMode) allow `want`.
  [[nodiscard]] bool may(uint32_t want, uint32_t mode, uint32_t owner, uint32_t group) const;
};

/// Paths are normalised and relative to the mount: "" is its root, else "/name...". They hold no symbolic link of ours
/// any more (see follow), so every call means exactly what is there. Results are 0 (or a length) or -errno. Defaults
/// refuse: nothing here can be changed.
class FileSystem : Immovable {
 public:
  virtual ~FileSystem() = default;

  /// If a symbolic link lies on the way (the last component counts only with `last`), writes the absolute or relative
  /// path that replaces `path` to `target` (path_limit bytes) and how much of `path` leads to the directory it is
  /// relative to: 1; none: 0; or -errno.
  virtual int follow(const Caller& caller, const char* path, bool last, char* target, size_t& directory);
  virtual int open(const Caller& caller, const char* path, uint32_t flags, uint32_t mode, FileRef& file) = 0;
  virtual int status(const Caller& caller, const char* path, bool follow, FileStatus& status) = 0;
  virtual int access(const Caller& caller, const char* path, uint32_t want, uint32_t flags);
  virtual Sysret read_link(const Caller& caller, const char* path, char* to, uint64_t size);
  virtual int change(const Caller& caller, const char* path, bool follow, const Change& change);
  virtual int make_directory(const Caller& caller, const char* path, uint32_t mode);
  virtual int make_link(const Caller& caller, const char* text, const char* path);
  /// A FIFO or a socket's name: `mode` has its type.
  virtual int make_node(const Caller& caller, const char* path, uint32_t mode);
  virtual int remove(const Caller& caller, const char* path, bool directory);
  virtual int link(const Caller& caller, const char* from, const char* to, bool follow);
  virtual int rename(const Caller& caller, const char* from, const char* to, uint32_t flags);
  virtual int usage(const Caller& caller, const char* path, LinuxStatfs& usage) = 0;
  virtual Sysret attribute(const Caller& caller, const char* path, bool follow, const AttributeRequest& request);
  /// inotify_add_watch. -ENOSPC, as where watches have run out: programs then look by themselves.
  virtual Sysret watch(const Caller& caller, const char* path, HostFile& inotify, uint32_t mask);
};

}  // namespace hobbes::lwk::fs
