// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/file_system.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::fs {

Caller Caller::of(Process& process) {
  Caller caller;
  caller.process = &process;
  caller.app = process.app;
  if (process.app != nullptr) {
    caller.uid = process.credentials.user.file;
    caller.gid = process.credentials.group.file;
  }
  return caller;
}

bool Caller::may(uint32_t want, uint32_t mode, uint32_t owner, uint32_t group) const {
  if (privileged()) return true;
  const uint32_t bits = uid == owner ? mode >> 6 : gid == group ? mode >> 3 : mode;
  return (want & ~bits) == 0;
}

int FileSystem::follow(const Caller&, const char*, bool, char*, size_t&) { return 0; }

int FileSystem::access(const Caller& caller, const char* path, uint32_t want, uint32_t) {
  FileStatus now;
  if (const int error = status(caller, path, true, now); error != 0) return error;
  if (want == access_execute && is_regular(now.mode) && (now.mode & 0111) == 0) return -EACCES;
  return caller.may(want, now.mode, now.uid, now.gid) ? 0 : -EACCES;
}

Sysret FileSystem::read_link(const Caller&, const char*, char*, uint64_t) { return -EINVAL; }
int FileSystem::change(const Caller&, const char*, bool, const Change&) { return -EPERM; }
int FileSystem::make_directory(const Caller&, const char*, uint32_t) { return -EPERM; }
int FileSystem::make_link(const Caller&, const char*, const char*) { return -EPERM; }
int FileSystem::make_node(const Caller&, const char*, uint32_t) { return -EPERM; }
int FileSystem::remove(const Caller&, const char*, bool) { return -EPERM; }
int FileSystem::link(const Caller&, const char*, const char*, bool) { return -EPERM; }
int FileSystem::rename(const Caller&, const char*, const char*, uint32_t) { return -EPERM; }
Sysret FileSystem::watch(const Caller&, const char*, HostFile&, uint32_t) { return -ENOSPC; }

Sysret FileSystem::attribute(const Caller& caller, const char* path, bool follow, const AttributeRequest& request) {
  FileStatus now;
  const int error = status(caller, path, follow, now);
  return error != 0 ? error : request.refuse();
}

}  // namespace hobbes::lwk::fs
