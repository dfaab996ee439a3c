// SPDX-License-Identifier: Apache-2.0
// Calls that make, copy, configure and close descriptors.
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/fs/pipe.hpp"
#include "cokernel/kernel/fs/record_locks.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

enum FcntlCommand : uint32_t {
  F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_GETLK = 5, F_SETLK = 6, F_SETLKW = 7,
  F_OFD_GETLK = 36, F_OFD_SETLK = 37, F_OFD_SETLKW = 38, F_DUPFD_CLOEXEC = 1030, F_SETPIPE_SZ = 1031,
  F_GETPIPE_SZ = 1032, F_ADD_SEALS = 1033, F_GET_SEALS = 1034,
};
constexpr uint32_t settable_flags = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

Sysret open(Thread& self, uint64_t dirfd, UserAddr path, uint32_t flags, uint32_t mode) {
  UserPath text;
  if (const int error = text.load(path); error != 0) return error;
  FileRef file;
  if (const int error = open_file(Caller::of(*self.process), to_fd(dirfd), text.text(), flags, mode, file); error != 0)
    return error;
  return add_file(self, file, (flags & O_CLOEXEC) != 0);
}

Sysret set_flags(File& file, uint32_t wanted) {
  const uint32_t flags = (file.flags() & ~settable_flags) | (wanted & settable_flags);
  if (const Sysret error = file.flags_changed(flags); error < 0) return error;
  file.set_flags(flags);
  return 0;
}

/// F_SETLK, F_SETLKW, F_GETLK.
Sysret lock_records(Thread& self, const FileRef& file, uint32_t command, UserAddr argument) {
  FileLock lock;
  if (file->path_only()) return -EBADF;
  if (!read_user(argument, lock)) return -EFAULT;
  FdTable& owner = *self.process->files;
  if (command != F_GETLK) return set_record_lock(owner, file, lock, command == F_SETLKW);
  const Sysret result = get_record_lock(owner, *file, lock);
  return result < 0 || write_user(argument, lock) ? result : -EFAULT;
}

/// Locks of open file descriptions: to the host every one of ours is one of its own.
Sysret lock_description(File& file, uint32_t command, UserAddr argument) {
  FileLock wanted;
  if (!read_user(argument, wanted)) return -EFAULT;
  HostFile* host = file.host();
  if (host == nullptr) return -ENOLCK;
  HostCall call(host->channel());
  if (call.error() != 0) return call.error();
  memcpy(call.data(), &wanted, sizeof(wanted));
  const Sysret result = call.call(host_fcntl, host->fd(), command, call.data());
  return result < 0 || command != F_OFD_GETLK || copy_out(argument, call.data(), sizeof(FileLock)) ? result : -EFAULT;
}

Sysret seals(File& file, uint32_t command, uint32_t more) {
  if (HostFile* host = file.host()) return host->simple(host_fcntl, command, more);
  if (command == F_GET_SEALS) return file.seals();
  if (file.seals() < 0 || !file.writable()) return file.seals() < 0 ? -EINVAL : -EPERM;
  return (more & ~known_seals) != 0 ? -EINVAL : file.add_seals(more);
}

Sysret pipe(Thread& self, UserAddr to, uint32_t flags) {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0) return -EINVAL;
  FileRef reader, writer;
  if (const int error = make_pipe(flags, reader, writer); error != 0) return error;
  const bool close_on_exec = (flags & O_CLOEXEC) != 0;
  int32_t fds[2];
  const Sysret first = add_file(self, reader, close_on_exec);
  if (first < 0) return first;
  const Sysret second = add_file(self, writer, close_on_exec);
  fds[0] = static_cast<int32_t>(first);
  fds[1] = static_cast<int32_t>(second);
  const bool told = second >= 0 && write_user(to, fds);
  if (told) return 0;
  (void)self.process->files->close(fds[0]);
  if (second >= 0) (void)self.process->files->close(fds[1]);
  return second < 0 ? second : -EFAULT;
}

}  // namespace

Sysret sys_open(Thread& self, const Args& args) {
  return open(self, static_cast<uint64_t>(AT_FDCWD), args[0], to_flags(args[1]), to_flags(args[2]));
}
Sysret sys_openat(Thread& self, const Args& args) {
  return open(self, args[0], args[1], to_flags(args[2]), to_flags(args[3]));
}
Sysret sys_creat(Thread& self, const Args& args) {
  return open(self, static_cast<uint64_t>(AT_FDCWD), args[0], O_CREAT | O_WRONLY | O_TRUNC, to_flags(args[1]));
}

Sysret sys_close(Thread& self, const Args& args) { return self.process->files->close(to_fd(args[0])); }

Sysret sys_close_range(Thread& self, const Args& args) {
  constexpr uint32_t unshare = 2, mark = 4;
  const uint32_t flags = to_flags(args[2]);
  if ((flags & ~(unshare | mark)) != 0 || args[0] > args[1]) return -EINVAL;
  self.process->files->close_range(to_flags(args[0]), to_flags(args[1]), (flags & mark) != 0);
  return 0;
}

Sysret sys_dup(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  return file ? add_file(self, file, false) : -EBADF;
}

Sysret sys_dup2(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file) return -EBADF;
  return to_fd(args[0]) == to_fd(args[1]) ? to_fd(args[1])
                                          : self.process->files->replace(to_fd(args[1]), file, false);
}

Sysret sys_dup3(Thread& self, const Args& args) {
  if ((args[2] & ~static_cast<uint64_t>(O_CLOEXEC)) != 0 || to_fd(args[0]) == to_fd(args[1])) return -EINVAL;
  const FileRef file = file_of(self, args[0]);
  return file ? self.process->files->replace(to_fd(args[1]), file, (args[2] & O_CLOEXEC) != 0) : -EBADF;
}

Sysret sys_fcntl(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file) return -EBADF;
  FdTable& files = *self.process->files;
  const int fd = to_fd(args[0]);
  const uint32_t command = to_flags(args[1]);
  switch (command) {
    case F_DUPFD: return files.add(file, false, to_fd(args[2]));
    case F_DUPFD_CLOEXEC: return files.add(file, true, to_fd(args[2]));
    case F_GETFD: return files.closes_on_exec(fd);
    case F_SETFD: return files.set_close_on_exec(fd, (args[2] & 1) != 0);
    case F_GETFL: return file->current_flags();
    case F_SETFL: return set_flags(*file, to_flags(args[2]));
    case F_GETLK: case F_SETLK: case F_SETLKW: return lock_records(self, file, command, args[2]);
    case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW: return lock_description(*file, command, args[2]);
    case F_SETPIPE_SZ: case F_GETPIPE_SZ:
      if (HostFile* host = file->host()) return host->simple(host_fcntl, command, args[2]);
      if (!is_pipe(*file)) return -EBADF;
      return command == F_SETPIPE_SZ && args[2] > pipe_size ? -EPERM : static_cast<Sysret>(pipe_size);
    case F_GET_SEALS: case F_ADD_SEALS: return seals(*file, command, to_flags(args[2]));
    default: return -EINVAL;
  }
}

Sysret sys_pipe(Thread& self, const Args& args) { return pipe(self, args[0], 0); }
Sysret sys_pipe2(Thread& self, const Args& args) { return pipe(self, args[0], to_flags(args[1])); }

Sysret sys_ioctl(Thread& self, const Args& args) {
  constexpr uint32_t set_nonblocking = 0x5421, clear_close_on_exec = 0x5450, set_close_on_exec = 0x5451;
  const FileRef file = file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  const uint32_t request = to_flags(args[1]);
  switch (request) {
    case clear_close_on_exec: case set_close_on_exec:
      return self.process->files->set_close_on_exec(to_fd(args[0]), request == set_close_on_exec);
    case set_nonblocking: {
      int32_t on = 0;
      if (!read_user(args[2], on)) return -EFAULT;
      return set_flags(*file, (file->flags() & ~O_NONBLOCK) | flag_if(on != 0, O_NONBLOCK));
    }
    default: return file->control(request, args[2]);
  }
}

Sysret sys_flock(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file) return -EBADF;
  HostFile* host = file->host();
  return host != nullptr ? host->simple(host_flock, args[1]) : -ENOLCK;
}

Sysret sys_fsync(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  return file && !file->path_only() ? file->sync(false) : -EBADF;
}
Sysret sys_fdatasync(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  return file && !file->path_only() ? file->sync(true) : -EBADF;
}
/// What the enclave keeps is in memory; the host writes its own files back without being asked.
Sysret sys_sync(Thread&, const Args&) { return 0; }
Sysret sys_syncfs(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  return !file || file->path_only() ? -EBADF : 0;
}

Sysret sys_fadvise64(Thread& self, const Args& args) {
  constexpr uint32_t last_advice = 5;  // POSIX_FADV_NOREUSE
  const FileRef file = file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  FileStatus now;
  if (const Sysret error = file->status(now); error < 0) return error;
  if ((now.mode & S_IFMT) == S_IFIFO) return -ESPIPE;
  return static_cast<int64_t>(args[2]) < 0 || to_flags(args[3]) > last_advice ? -EINVAL : 0;
}

Sysret sys_fallocate(Thread& self, const Args& args) {
  const FileRef file = file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  const auto offset = static_cast<int64_t>(args[2]), size = static_cast<int64_t>(args[3]);
  if (offset < 0 || size <= 0) return -EINVAL;
  if (HostFile* host = file->host())
    return file->writable() ? host->simple(host_fallocate, args[1], offset, size) : -EBADF;
  const uint32_t mode = to_flags(args[1]);
  const bool known = mode == 0 || mode == FALLOC_FL_KEEP_SIZE || mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
  if (!known) return -EOPNOTSUPP;
  if (!file->writable()) return -EBADF;
  FileStatus now;
  if (const Sysret error = file->status(now); error < 0) return error;
  if (!is_regular(now.mode)) return (now.mode & S_IFMT) == S_IFIFO ? -ESPIPE : -ENODEV;
  int64_t end = 0;
  if (__builtin_add_overflow(offset, size, &end)) return -EFBIG;
  return file->reserve(mode, args[2], args[3]);
}

Sysret sys_umask(Thread& self, const Args& args) {
  Guard guard(self.process->files_lock);
  const uint32_t before = self.process->umask;
  self.process->umask = to_flags(args[0]) & 0777;
  return before;
}

}  // namespace hobbes::lwk::fs
