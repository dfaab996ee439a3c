// SPDX-License-Identifier: Apache-2.0
// inotify: the host's, for files of the host.
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/host_file.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint32_t IN_DONT_FOLLOW = 0x02000000;

Sysret create(Thread& self, uint32_t flags) {
  if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) != 0) return -EINVAL;
  App* app = self.process->app;
  if (app == nullptr || app->channel == nullptr) return -EPERM;
  Sysret fd = 0;
  {
    HostCall call(*app->channel);
    if (call.error() != 0) return call.error();
    fd = call.call(host_inotify_init1, flags | O_CLOEXEC);
    if (fd < 0) return fd;
  }
  FileRef file;
  if (const int error = HostFile::wrap(*app->channel, static_cast<int>(fd), flags & O_NONBLOCK, file); error != 0)
    return error;
  if (const int error = file->set_path("anon_inode:inotify"); error != 0) return error;
  return add_file(self, file, (flags & O_CLOEXEC) != 0);
}

/// The host's descriptor of an inotify: what else it may be, the host finds out. 0, -EBADF, -EINVAL.
int find_inotify(Thread& self, uint64_t fd, FileRef& file) {
  file = file_of(self, fd);
  if (!file || file->path_only()) return -EBADF;
  return file->host() != nullptr ? 0 : -EINVAL;
}

}  // namespace

Sysret sys_inotify_init(Thread& self, const Args&) { return create(self, 0); }
Sysret sys_inotify_init1(Thread& self, const Args& args) { return create(self, to_flags(args[0])); }

Sysret sys_inotify_add_watch(Thread& self, const Args& args) {
  const uint32_t mask = to_flags(args[2]);
  FileRef file;
  if (const int error = find_inotify(self, args[0], file); error != 0) return error;
  const Caller caller = Caller::of(*self.process);
  UserPlace place;
  if (const int error = place.load(caller, static_cast<uint64_t>(AT_FDCWD), args[1], (mask & IN_DONT_FOLLOW) == 0);
      error != 0)
    return error;
  return place.system->watch(caller, place.path, *file->host(), mask);
}

Sysret sys_inotify_rm_watch(Thread& self, const Args& args) {
  FileRef file;
  if (const int error = find_inotify(self, args[0], file); error != 0) return error;
  return file->host()->simple(host_inotify_rm_watch, static_cast<int32_t>(args[1]));
}

}  // namespace hobbes::lwk::fs
