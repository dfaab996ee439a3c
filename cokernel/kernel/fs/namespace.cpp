// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/namespace.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/fs/bare_root.hpp"
#include "cokernel/kernel/fs/devfs.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/host_fs.hpp"
#include "cokernel/kernel/fs/procfs.hpp"
#include "cokernel/kernel/fs/sysfs.hpp"
#include "cokernel/kernel/fs/tmpfs.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr int most_links = 40;
/// What only matters while opening and is not kept.
constexpr uint32_t open_only = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

struct Mount {
  const char* path;
  const char* type;
  FileSystem* system;
};

// Constant after start_namespace. Longer paths come before those they lie below.
Mount mounts[] = {
    {"/dev/shm", "tmpfs", nullptr},
    {"/dev", "devtmpfs", nullptr},
    {"/proc", "proc", nullptr},
    {"/enclave", "tmpfs", nullptr},
    {"/sys/devices/system", "sysfs", nullptr},
};
Tmpfs* anonymous = nullptr;  // files without a name
HostFs* host_root = nullptr;
BareRoot* bare_root = nullptr;

bool has_host(const Caller& caller) { return caller.app != nullptr && caller.app->channel != nullptr; }
bool is_root(const FileSystem* system) { return system == host_root || system == bare_root; }

/// Sockets are the host's, and so is what it tells of routes and interfaces.
bool is_hosts_network(const Caller& caller, const char* path) {
  return has_host(caller) && path_below(path, "/proc/net") != nullptr;
}

/// Sets the place's file system for its absolute path; how long the mount's own path is.
size_t find_mount(const Caller& caller, Place& place) {
  for (const Mount& mount : mounts) {
    if (is_hosts_network(caller, place.absolute.text())) break;
    const char* rest = path_below(place.absolute.text(), mount.path);
    if (rest == nullptr) continue;
    place.system = mount.system;
    place.path = rest;
    return strlen(mount.path);
  }
  place.system = has_host(caller) ? static_cast<FileSystem*>(host_root) : bare_root;
  place.path = place.absolute.text();
  return 0;
}

/// Replaces the place by where the link in it leads. 1: it did, 0: there is none, -errno.
int follow_link(const Caller& caller, size_t mount_length, bool last, Place& place) {
  PathText target, base;
  if (!target || !base) return -ENOMEM;
  size_t directory = 0;
  const int found = place.system->follow(caller, place.path, last, target.text(), directory);
  if (found != 1) return found;
  copy_string(base.text(), place.absolute.text(), min(path_limit, mount_length + directory + 1));
  const int error = normalise_path(base.text(), target.text(), place.absolute.text());
  return error != 0 ? error : 1;
}

}  // namespace

int start_namespace() {
  host_root = new (nothrow) HostFs;
  bare_root = new (nothrow) BareRoot;
  anonymous = Tmpfs::create();
  if (host_root == nullptr || bare_root == nullptr || anonymous == nullptr) return -ENOMEM;
  FileSystem* systems[] = {Tmpfs::create(), new (nothrow) Devfs(*host_root), new (nothrow) Procfs, Tmpfs::create(),
                           new (nothrow) Sysfs};
  for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); ++i) {
    if (systems[i] == nullptr) return -ENOMEM;
    mounts[i].system = systems[i];
  }
  return 0;
}

void for_each_mount(void (*visit)(const char* path, const char* type, void* context), void* context) {
  for (const Mount& mount : mounts) visit(mount.path, mount.type, context);
}

int find_base(const Caller& caller, int dirfd, char* base) {
  if (dirfd == AT_FDCWD) {
    Guard guard(caller.process->files_lock);
    copy_string(base, caller.process->cwd, path_limit);
    return 0;
  }
  const FileRef file = file_of(*caller.process, dirfd);
  if (!file) return -EBADF;
  const Sysret type = file->type();
  if (type < 0) return static_cast<int>(type);
  if (type != S_IFDIR) return -ENOTDIR;
  copy_string(base, file->path(), path_limit);
  return 0;
}

bool is_host_place(const Place& place) { return place.system == host_root; }

uint32_t kept_flags(uint32_t flags) { return (flags & ~open_only) | O_LARGEFILE; }

Sysret host_root_link(const Caller& caller, const char* path, char* to, uint64_t size) {
  return host_root->read_link(caller, path, to, size);
}

int find_place(const Caller& caller, int dirfd, const char* path, bool follow, Place& place) {
  if (!place.absolute) return -ENOMEM;
  if (*path == '\0') return -ENOENT;
  if (*path == '/') {
    if (const int error = normalise_path("/", path, place.absolute.text()); error != 0) return error;
  } else {
    PathText base;
    if (!base) return -ENOMEM;
    if (const int error = find_base(caller, dirfd, base.text()); error != 0) return error;
    if (const int error = normalise_path(base.text(), path, place.absolute.text()); error != 0) return error;
  }
  place.must_be_directory = names_directory(path);
  for (int links = 0; links <= most_links; ++links) {
    const size_t mount_length = find_mount(caller, place);
    if (is_root(place.system)) return 0;  // Linux follows the host's links
    const int found = follow_link(caller, mount_length, follow || place.must_be_directory, place);
    if (found <= 0) return found;
  }
  return -ELOOP;
}

int open_file(const Caller& caller, int dirfd, const char* path, uint32_t flags, uint32_t mode, FileRef& file) {
  if ((flags & O_ACCMODE) == O_ACCMODE) return -EINVAL;
  const bool must_make = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  Place place;
  if (const int error = find_place(caller, dirfd, path, (flags & O_NOFOLLOW) == 0 && !must_make, place); error != 0)
    return error;
  if (place.must_be_directory) {
    if ((flags & O_CREAT) != 0) return -EISDIR;
    flags |= O_DIRECTORY;
  }
  {
    Guard guard(caller.process->files_lock);
    mode &= ~caller.process->umask;
  }
  if (const int error = place.system->open(caller, place.path, flags, mode & mode_bits, file); error != 0) return error;
  if (*file->path() != '\0') return 0;  // it was open before: /proc/self/fd
  file->set_flags(kept_flags(flags));
  return file->set_path(place.absolute.text());
}

int open_for_exec(Process& process, const char* path, FileRef& file) {
  FileRef opened;
  if (const int error = open_file(Caller::of(process), AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, opened); error != 0)
    return error;
  FileStatus now;
  if (const Sysret error = opened->status(now); error < 0) return static_cast<int>(error);
  if (!is_regular(now.mode) || (now.mode & 0111) == 0) return -EACCES;
  file = opened;
  return 0;
}

Sysret control_open(const char* path, Behalf user, uint32_t flags, uint32_t mode, FileRef& file) {
  Caller caller = Caller::of(init_process());
  caller.uid = user.uid;
  caller.gid = user.gid;
  Place place;
  if (const int error = find_place(caller, AT_FDCWD, path, (flags & O_NOFOLLOW) == 0, place); error != 0) return error;
  if (is_root(place.system)) return -EXDEV;
  return open_file(caller, AT_FDCWD, path, flags, mode, file);
}

int open_anonymous(const Caller& caller, const char* name, uint32_t mode, uint32_t seals, FileRef& file) {
  if (const int error = anonymous->open_unnamed(caller, O_RDWR | O_LARGEFILE, mode, seals, file); error != 0)
    return error;
  PathText path;
  if (!path) return -ENOMEM;
  format(path.text(), path_limit, "/memfd:%s (deleted)", name);
  return file->set_path(path.text());
}

}  // namespace hobbes::lwk::fs
