// SPDX-License-Identifier: Apache-2.0
// Extended attributes: the host's files have what the host says, those of the enclave have none.
#include "cokernel/kernel/fs/attributes.hpp"
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/heap.hpp"

namespace hobbes::lwk::fs {
namespace {

enum class Target { path, link, descriptor };  // setxattr, lsetxattr, fsetxattr

/// A request with its name and value copied in.
struct UserRequest : AttributeRequest {
  Buffer buffer{value_limit};

  [[nodiscard]] int load_name(UserAddr from) {
    if (!is_user_range(from, 1)) return -EFAULT;
    const int64_t length = port::copy_string_from_user(name, from, sizeof(name));
    return length == -1 ? -EFAULT : length <= 0 ? -ERANGE : 0;
  }

  [[nodiscard]] int load(AttributeAction wanted, UserAddr name_from, UserAddr value_from, uint64_t value_size) {
    constexpr uint64_t largest_value = 65536;
    if (!buffer) return -ENOMEM;
    action = wanted;
    value = buffer.data();
    size = value_size;
    if (action != AttributeAction::list)
      if (const int error = load_name(name_from); error != 0) return error;
    if (action != AttributeAction::set) {
      size = min(size, value_limit);
      return 0;
    }
    if (size > largest_value) return -E2BIG;
    if (size > value_limit) return -ENOSPC;
    return copy_in(value, value_from, size) ? 0 : -EFAULT;
  }
};

Sysret make(Thread& self, Target target, uint64_t where, const AttributeRequest& request) {
  if (target == Target::descriptor) {
    const FileRef file = file_of(self, where);
    return file && !file->path_only() ? file->attribute(request) : -EBADF;
  }
  const bool follow = target == Target::path;
  const Caller caller = Caller::of(*self.process);
  UserPlace place;
  if (const int error = place.load(caller, static_cast<uint64_t>(AT_FDCWD), where, follow); error != 0) return error;
  return place.system->attribute(caller, place.path, follow || place.must_be_directory, request);
}

Sysret set(Thread& self, const Args& args, Target target) {
  constexpr uint32_t create = 1, replace = 2;
  UserRequest request;
  request.flags = to_flags(args[4]);
  if ((request.flags & ~(create | replace)) != 0) return -EINVAL;
  if (const int error = request.load(AttributeAction::set, args[1], args[2], args[3]); error != 0) return error;
  return make(self, target, args[0], request);
}

/// get and list: the value goes to `to`, unless `size` is 0.
Sysret fetch(Thread& self, uint64_t where, Target target, UserRequest& request, UserAddr to, uint64_t size) {
  const Sysret length = make(self, target, where, request);
  if (length <= 0 || size == 0) return length;
  return copy_out(to, request.value, static_cast<uint64_t>(length)) ? length : -EFAULT;
}

Sysret get(Thread& self, const Args& args, Target target) {
  UserRequest request;
  if (const int error = request.load(AttributeAction::get, args[1], 0, args[3]); error != 0) return error;
  return fetch(self, args[0], target, request, args[2], args[3]);
}

Sysret list(Thread& self, const Args& args, Target target) {
  UserRequest request;
  if (const int error = request.load(AttributeAction::list, 0, 0, args[2]); error != 0) return error;
  return fetch(self, args[0], target, request, args[1], args[2]);
}

Sysret remove(Thread& self, const Args& args, Target target) {
  UserRequest request;
  if (const int error = request.load(AttributeAction::remove, args[1], 0, 0); error != 0) return error;
  return make(self, target, args[0], request);
}

}  // namespace

Sysret sys_setxattr(Thread& self, const Args& args) { return set(self, args, Target::path); }
Sysret sys_lsetxattr(Thread& self, const Args& args) { return set(self, args, Target::link); }
Sysret sys_fsetxattr(Thread& self, const Args& args) { return set(self, args, Target::descriptor); }
Sysret sys_getxattr(Thread& self, const Args& args) { return get(self, args, Target::path); }
Sysret sys_lgetxattr(Thread& self, const Args& args) { return get(self, args, Target::link); }
Sysret sys_fgetxattr(Thread& self, const Args& args) { return get(self, args, Target::descriptor); }
Sysret sys_listxattr(Thread& self, const Args& args) { return list(self, args, Target::path); }
Sysret sys_llistxattr(Thread& self, const Args& args) { return list(self, args, Target::link); }
Sysret sys_flistxattr(Thread& self, const Args& args) { return list(self, args, Target::descriptor); }
Sysret sys_removexattr(Thread& self, const Args& args) { return remove(self, args, Target::path); }
Sysret sys_lremovexattr(Thread& self, const Args& args) { return remove(self, args, Target::link); }
Sysret sys_fremovexattr(Thread& self, const Args& args) { return remove(self, args, Target::descriptor); }

}  // namespace hobbes::lwk::fs
