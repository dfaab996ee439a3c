// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/host_fs.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/fs/host_attributes.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk::fs {
namespace {

/// A call with paths: each is copied to its own place in the slot's data.
class PathCall : public HostCall {
 public:
  explicit PathCall(const Caller& caller) : HostCall(*caller.app->channel) {}

  /// "" is the host's root.
  [[nodiscard]] const char* path(const char* text) { return add(*text == '\0' ? "/" : text); }
  [[nodiscard]] const char* add(const char* text) {
    char* at = reinterpret_cast<char*>(data()) + used_;
    used_ += copy_string(at, text, path_limit) + 1;
    return at;
  }
  [[nodiscard]] uint8_t* rest() { return data() + align_up(used_, alignof(uint64_t)); }

 private:
  uint64_t used_ = 0;
};
static_assert(2 * path_limit + sizeof(LinuxStat) < HostCall::data_size);
static_assert(path_limit + sizeof(AttributeRequest::name) + 2 * sizeof(uint64_t) + AttributeRequest::value_limit <
              HostCall::data_size);

constexpr uint32_t follow_flag(bool follow) { return flag_if(!follow, AT_SYMLINK_NOFOLLOW); }

}  // namespace

int HostFs::open(const Caller& caller, const char* path, uint32_t flags, uint32_t mode, FileRef& file) {
  int fd = 0;
  {
    PathCall call(caller);
    if (call.error() != 0) return static_cast<int>(call.error());
    const Sysret opened = call.call(host_openat, AT_FDCWD, call.path(path), flags | O_CLOEXEC, mode);
    if (opened < 0) return static_cast<int>(opened);
    fd = static_cast<int>(opened);
  }
  return HostFile::wrap(*caller.app->channel, fd, flags, file);
}

int HostFs::status(const Caller& caller, const char* path, bool follow, FileStatus& status) {
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  const char* name = call.path(path);
  uint8_t* to = call.rest();
  const Sysret result = call.call(host_newfstatat, AT_FDCWD, name, to, follow_flag(follow));
  if (result < 0) return static_cast<int>(result);
  LinuxStat stat;
  memcpy(&stat, to, sizeof(stat));
  status = to_status(stat);
  return 0;
}

int HostFs::access(const Caller& caller, const char* path, uint32_t want, uint32_t flags) {
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  return static_cast<int>(call.call(host_faccessat2, AT_FDCWD, call.path(path), want, flags));
}

Sysret HostFs::read_link(const Caller& caller, const char* path, char* to, uint64_t size) {
  PathCall call(caller);
  if (call.error() != 0) return call.error();
  const char* name = call.path(path);
  uint8_t* text = call.rest();
  size = min<uint64_t>(size, path_limit);
  const Sysret got = call.call(host_readlinkat, AT_FDCWD, name, text, size);
  if (got > 0) memcpy(to, text, min(static_cast<uint64_t>(got), size));
  return got;
}

int HostFs::change(const Caller& caller, const char* path, bool follow, const Change& change) {
  if (change.set_size) {
    FileRef file;
    if (const int error = open(caller, path, O_WRONLY, 0, file); error != 0) return error;
    return static_cast<int>(file->change(change));
  }
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  const char* name = call.path(path);
  Sysret result = 0;
  if (change.set_mode) result = call.call(host_fchmodat, AT_FDCWD, name, change.mode & mode_bits);
  if (result == 0 && (change.set_uid || change.set_gid))
    result = call.call(host_fchownat, AT_FDCWD, name, change.set_uid ? static_cast<int64_t>(change.uid) : -1,
                       change.set_gid ? static_cast<int64_t>(change.gid) : -1, follow_flag(follow));
  if (result == 0 && (change.set_atime || change.set_mtime)) {
    write_host_times(change, call.rest());
    result = call.call(host_utimensat, AT_FDCWD, name, call.rest(), follow_flag(follow));
  }
  return static_cast<int>(result);
}

int HostFs::make_directory(const Caller& caller, const char* path, uint32_t mode) {
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  return static_cast<int>(call.call(host_mkdirat, AT_FDCWD, call.path(path), mode));
}

int HostFs::make_link(const Caller& caller, const char* text, const char* path) {
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  const char* target = call.add(text);
  return static_cast<int>(call.call(host_symlinkat, target, AT_FDCWD, call.path(path)));
}

int HostFs::make_node(const Caller& caller, const char* path, uint32_t mode) {
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  return static_cast<int>(call.call(host_mknodat, AT_FDCWD, call.path(path), mode, 0));
}

int HostFs::remove(const Caller& caller, const char* path, bool directory) {
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  return static_cast<int>(call.call(host_unlinkat, AT_FDCWD, call.path(path), flag_if(directory, AT_REMOVEDIR)));
}

int HostFs::link(const Caller& caller, const char* from, const char* to, bool follow) {
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  const char* old_name = call.path(from);
  const char* new_name = call.path(to);
  return static_cast<int>(
      call.call(host_linkat, AT_FDCWD, old_name, AT_FDCWD, new_name, flag_if(follow, AT_SYMLINK_FOLLOW)));
}

int HostFs::rename(const Caller& caller, const char* from, const char* to, uint32_t flags) {
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  const char* old_name = call.path(from);
  const char* new_name = call.path(to);
  return static_cast<int>(call.call(host_renameat2, AT_FDCWD, old_name, AT_FDCWD, new_name, flags));
}

int HostFs::usage(const Caller& caller, const char* path, LinuxStatfs& usage) {
  PathCall call(caller);
  if (call.error() != 0) return static_cast<int>(call.error());
  const char* name = call.path(path);
  uint8_t* to = call.rest();
  const Sysret result = call.call(host_statfs, name, to);
  if (result == 0) memcpy(&usage, to, sizeof(usage));
  return static_cast<int>(result);
}

Sysret HostFs::attribute(const Caller& caller, const char* path, bool follow, const AttributeRequest& request) {
  if (!follow) {
    // A link itself has none that a user could have given it.
    FileStatus now;
    if (const int error = status(caller, path, false, now); error != 0) return error;
    if (is_link(now.mode)) {
      if (request.action == AttributeAction::list) return 0;
      return request.action == AttributeAction::get ? -ENODATA : -EPERM;
    }
  }
  PathCall call(caller);
  if (call.error() != 0) return call.error();
  const auto name = static_cast<int64_t>(port::host_address(call.path(path)));
  return forward_attribute(call, AttributeTarget::path, name, call.rest(), request);
}

Sysret HostFs::watch(const Caller& caller, const char* path, HostFile& inotify, uint32_t mask) {
  PathCall call(caller);
  return call.error() != 0 ? call.error() : call.call(host_inotify_add_watch, inotify.fd(), call.path(path), mask);
}

}  // namespace hobbes::lwk::fs
