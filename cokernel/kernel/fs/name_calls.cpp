// SPDX-License-Identifier: Apache-2.0
// Calls that make, remove, rename and change what paths name; the working directory.
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr auto here = static_cast<uint64_t>(AT_FDCWD);

Sysret make_directory(Thread& self, uint64_t dirfd, UserAddr path, uint32_t mode) {
  const Caller caller = Caller::of(*self.process);
  UserPath text;
  if (const int error = text.load(path); error != 0) return error;
  Place place;
  if (const int error = find_place(caller, to_fd(dirfd), text.text(), false, place); error != 0) return error;
  {
    Guard guard(self.process->files_lock);
    mode &= ~self.process->umask;
  }
  return place.system->make_directory(caller, place.path, mode & mode_bits);
}

Sysret remove(Thread& self, uint64_t dirfd, UserAddr path, bool directory) {
  const Caller caller = Caller::of(*self.process);
  UserPlace place;
  if (const int error = place.load(caller, dirfd, path, false); error != 0) return error;
  if (place.must_be_directory && !directory) return -ENOTDIR;
  return place.system->remove(caller, place.path, directory);
}

Sysret rename(Thread& self, uint64_t from_dirfd, UserAddr from_path, uint64_t to_dirfd, UserAddr to_path,
              uint32_t flags) {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
    return -EINVAL;
  const Caller caller = Caller::of(*self.process);
  UserPlace from, to;
  if (const int error = from.load(caller, from_dirfd, from_path, false); error != 0) return error;
  if (const int error = to.load(caller, to_dirfd, to_path, false); error != 0) return error;
  if (from.system != to.system) return -EXDEV;
  return from.system->rename(caller, from.path, to.path, flags);
}

Sysret link(Thread& self, uint64_t from_dirfd, UserAddr from_path, uint64_t to_dirfd, UserAddr to_path,
            uint32_t flags) {
  if ((flags & ~AT_SYMLINK_FOLLOW) != 0) return -EINVAL;
  const bool follow = (flags & AT_SYMLINK_FOLLOW) != 0;
  const Caller caller = Caller::of(*self.process);
  UserPlace from, to;
  if (const int error = from.load(caller, from_dirfd, from_path, follow); error != 0) return error;
  if (const int error = to.load(caller, to_dirfd, to_path, false); error != 0) return error;
  if (from.system != to.system) return -EXDEV;
  return from.system->link(caller, from.path, to.path, follow);
}

Sysret make_link(Thread& self, UserAddr target, uint64_t dirfd, UserAddr path) {
  const Caller caller = Caller::of(*self.process);
  UserPath text;
  if (const int error = text.load(target); error != 0) return error;
  UserPlace place;
  if (const int error = place.load(caller, dirfd, path, false); error != 0) return error;
  return place.system->make_link(caller, text.text(), place.path);
}

Sysret read_link(Thread& self, uint64_t dirfd, UserAddr path, UserAddr to, uint64_t size) {
  if (static_cast<int64_t>(size) <= 0) return -EINVAL;
  const Caller caller = Caller::of(*self.process);
  UserPlace place;
  if (const int error = place.load(caller, dirfd, path, false); error != 0) return error;
  PathText target;
  if (!target) return -ENOMEM;
  const Sysret length = place.system->read_link(caller, place.path, target.text(), min<uint64_t>(size, path_limit));
  return length < 0 || copy_out(to, target.text(), static_cast<uint64_t>(length)) ? length : -EFAULT;
}

Sysret change_path(Thread& self, uint64_t dirfd, UserAddr path, bool follow, const Change& change) {
  const Caller caller = Caller::of(*self.process);
  UserPlace place;
  if (const int error = place.load(caller, dirfd, path, follow); error != 0) return error;
  FileStatus now;
  // chown with neither user nor group changes nothing of what has to be there.
  if (change.empty()) return place.system->status(caller, place.path, follow, now);
  return place.system->change(caller, place.path, follow, change);
}

Sysret change_file(Thread& self, uint64_t fd, const Change& change) {
  const FileRef file = file_of(self, fd);
  return file && !file->path_only() ? file->change(change) : -EBADF;
}

Change mode_change(uint64_t mode) {
  Change change;
  change.set_mode = true;
  change.mode = to_flags(mode) & mode_bits;
  return change;
}

Change owner_change(uint64_t uid, uint64_t gid) {
  Change change;
  change.uid = to_flags(uid);
  change.gid = to_flags(gid);
  change.set_uid = change.uid != UINT32_MAX;
  change.set_gid = change.gid != UINT32_MAX;
  return change;
}

Change size_change(uint64_t size) {
  Change change;
  change.set_size = true;
  change.size = size;
  return change;
}

/// Makes `path` the working directory.
Sysret go_to(Thread& self, const Caller& caller, const Place& place) {
  FileStatus status;
  if (const int error = place.system->status(caller, place.path, true, status); error != 0) return error;
  if (!is_directory(status.mode)) return -ENOTDIR;
  if (const int error = place.system->access(caller, place.path, access_execute, 0); error != 0) return error;
  Guard guard(self.process->files_lock);
  copy_string(self.process->cwd, place.absolute.text(), sizeof(self.process->cwd));
  return 0;
}

Sysret make_node(Thread& self, uint64_t dirfd, UserAddr path, uint32_t mode) {
  const uint32_t type = mode & S_IFMT;
  if (type == S_IFDIR || type == S_IFCHR || type == S_IFBLK) return -EPERM;
  if (type != 0 && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK) return -EINVAL;
  const Caller caller = Caller::of(*self.process);
  UserPath text;
  if (const int error = text.load(path); error != 0) return error;
  if (type == 0 || type == S_IFREG) {
    FileRef file;
    return open_file(caller, to_fd(dirfd), text.text(), O_CREAT | O_EXCL | O_WRONLY, mode & mode_bits, file);
  }
  Place place;
  if (const int error = find_place(caller, to_fd(dirfd), text.text(), false, place); error != 0) return error;
  if (place.must_be_directory) return -ENOENT;
  {
    Guard guard(self.process->files_lock);
    mode &= ~self.process->umask;
  }
  return place.system->make_node(caller, place.path, mode);
}

}  // namespace

Sysret sys_mkdir(Thread& self, const Args& args) { return make_directory(self, here, args[0], to_flags(args[1])); }
Sysret sys_mkdirat(Thread& self, const Args& args) { return make_directory(self, args[0], args[1], to_flags(args[2])); }
Sysret sys_rmdir(Thread& self, const Args& args) { return remove(self, here, args[0], true); }
Sysret sys_unlink(Thread& self, const Args& args) { return remove(self, here, args[0], false); }
Sysret sys_unlinkat(Thread& self, const Args& args) {
  if ((to_flags(args[2]) & ~AT_REMOVEDIR) != 0) return -EINVAL;
  return remove(self, args[0], args[1], args[2] != 0);
}
Sysret sys_rename(Thread& self, const Args& args) { return rename(self, here, args[0], here, args[1], 0); }
Sysret sys_renameat(Thread& self, const Args& args) { return rename(self, args[0], args[1], args[2], args[3], 0); }
Sysret sys_renameat2(Thread& self, const Args& args) {
  return rename(self, args[0], args[1], args[2], args[3], to_flags(args[4]));
}
Sysret sys_link(Thread& self, const Args& args) { return link(self, here, args[0], here, args[1], 0); }
Sysret sys_linkat(Thread& self, const Args& args) {
  return link(self, args[0], args[1], args[2], args[3], to_flags(args[4]));
}
Sysret sys_symlink(Thread& self, const Args& args) { return make_link(self, args[0], here, args[1]); }
Sysret sys_symlinkat(Thread& self, const Args& args) { return make_link(self, args[0], args[1], args[2]); }
Sysret sys_readlink(Thread& self, const Args& args) { return read_link(self, here, args[0], args[1], args[2]); }
Sysret sys_readlinkat(Thread& self, const Args& args) { return read_link(self, args[0], args[1], args[2], args[3]); }
Sysret sys_mknod(Thread& self, const Args& args) { return make_node(self, here, args[0], to_flags(args[1])); }
Sysret sys_mknodat(Thread& self, const Args& args) { return make_node(self, args[0], args[1], to_flags(args[2])); }

Sysret sys_chmod(Thread& self, const Args& args) {
  return change_path(self, here, args[0], true, mode_change(args[1]));
}
Sysret sys_fchmodat(Thread& self, const Args& args) {
  return change_path(self, args[0], args[1], true, mode_change(args[2]));
}
Sysret sys_fchmod(Thread& self, const Args& args) { return change_file(self, args[0], mode_change(args[1])); }
Sysret sys_chown(Thread& self, const Args& args) {
  return change_path(self, here, args[0], true, owner_change(args[1], args[2]));
}
Sysret sys_lchown(Thread& self, const Args& args) {
  return change_path(self, here, args[0], false, owner_change(args[1], args[2]));
}
Sysret sys_fchownat(Thread& self, const Args& args) {
  const uint32_t flags = to_flags(args[4]);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return -EINVAL;
  const Change change = owner_change(args[2], args[3]);
  return means_descriptor(args[0], args[1], flags)
             ? change_file(self, args[0], change)
             : change_path(self, args[0], args[1], (flags & AT_SYMLINK_NOFOLLOW) == 0, change);
}
Sysret sys_fchown(Thread& self, const Args& args) { return change_file(self, args[0], owner_change(args[1], args[2])); }

Sysret sys_truncate(Thread& self, const Args& args) {
  if (static_cast<int64_t>(args[1]) < 0) return -EINVAL;
  return change_path(self, here, args[0], true, size_change(args[1]));
}
Sysret sys_ftruncate(Thread& self, const Args& args) {
  if (static_cast<int64_t>(args[1]) < 0) return -EINVAL;
  const FileRef file = file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  return file->writable() ? file->change(size_change(args[1])) : -EINVAL;
}

Sysret sys_getcwd(Thread& self, const Args& args) {
  PathText path;
  if (!path) return -ENOMEM;
  {
    Guard guard(self.process->files_lock);
    copy_string(path.text(), self.process->cwd, path_limit);
  }
  const size_t size = strlen(path.text()) + 1;
  if (args[1] < size) return -ERANGE;
  return copy_out(args[0], path.text(), size) ? static_cast<Sysret>(size) : -EFAULT;
}

Sysret sys_chdir(Thread& self, const Args& args) {
  const Caller caller = Caller::of(*self.process);
  UserPlace place;
  if (const int error = place.load(caller, here, args[0], true); error != 0) return error;
  return go_to(self, caller, place);
}

Sysret sys_fchdir(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file) return -EBADF;
  const Caller caller = Caller::of(*self.process);
  Place place;
  if (*file->path() != '/') return -ENOTDIR;
  if (const int error = find_place(caller, AT_FDCWD, file->path(), true, place); error != 0) return error;
  return go_to(self, caller, place);
}

}  // namespace hobbes::lwk::fs
