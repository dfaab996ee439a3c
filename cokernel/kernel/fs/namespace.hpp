// SPDX-License-Identifier: Apache-2.0
// The name space: which file system a path belongs to. /proc, /dev, /dev/shm and /enclave are the enclave's own;
// everything else is the host's, through the application's proxy.
//
// ".." is resolved in the text of the path, so behind a symbolic link it leads back to where the link lies.
#pragma once

#include "cokernel/kernel/fs/file_system.hpp"
#include "cokernel/kernel/fs/path.hpp"

namespace hobbes::lwk::fs {

/// Makes the file systems of the enclave. 0 or -ENOMEM. Once, after the heap works.
[[nodiscard]] int start_namespace();

/// A name that has been found its file system.
struct Place : Immovable {
  FileSystem* system = nullptr;
  const char* path = "";  ///< in that file system: "" is its root, else "/name..."
  PathText absolute;      ///< as the enclave sees it, normalised
  bool must_be_directory = false;  ///< it ended in '/'
};

/// Finds `path` (relative to `dirfd` of the caller's process) and follows the symbolic links of our own file systems;
/// the last component's if `follow`. Whether anything is there remains to be seen. 0 or -errno.
[[nodiscard]] int find_place(const Caller& caller, int dirfd, const char* path, bool follow, Place& place);

/// The directory that paths relative to `dirfd` start at: its absolute path (path_limit bytes). 0 or -errno.
[[nodiscard]] int find_base(const Caller& caller, int dirfd, char* base);
/// Whether the host resolves it.
[[nodiscard]] bool is_host_place(const Place& place);
/// What a link says that only the host has, its /proc's too: a length or -errno.
[[nodiscard]] Sysret host_root_link(const Caller& caller, const char* path, char* to, uint64_t size);
/// Flags of an open that its file keeps.
[[nodiscard]] uint32_t kept_flags(uint32_t flags);

/// openat. 0 or -errno.
[[nodiscard]] int open_file(const Caller& caller, int dirfd, const char* path, uint32_t flags, uint32_t mode,
                            FileRef& file);
/// An executable regular file, for reading.
[[nodiscard]] int open_for_exec(Process& process, const char* path, FileRef& file);
/// On whose behalf the kernel opens a file itself.
struct Behalf {
  uint32_t uid = 0, gid = 0;
};
/// The kernel's own open, of an absolute path; -EXDEV: it is the host's.
[[nodiscard]] Sysret control_open(const char* path, Behalf user, uint32_t flags, uint32_t mode, FileRef& file);

/// Calls visit(path, type) for each mount of the enclave's own.
void for_each_mount(void (*visit)(const char* path, const char* type, void* context), void* context);
/// A tmpfs file without a name (memfd_create).
[[nodiscard]] int open_anonymous(const Caller& caller, const char* name, uint32_t mode, uint32_t seals, FileRef& file);

}  // namespace hobbes::lwk::fs
