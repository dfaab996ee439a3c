// SPDX-License-Identifier: Apache-2.0
// The calls that tell and change whose a process is.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint32_t unchanged = ~0u;

Credentials credentials_of(Thread& self) {
  Guard guard(process_lock());
  return self.process->credentials;
}

/// What becomes of the capabilities when user ids change: root's go with the last id that is 0.
void follow_user(Credentials& credentials, const IdSet& before) {
  const IdSet& now = credentials.user;
  if (before.names(0) && !now.names(0)) credentials.permitted = credentials.effective = 0;
  if (before.effective == 0 && now.effective != 0) credentials.effective = 0;
  if (before.effective != 0 && now.effective == 0) credentials.effective = credentials.permitted;
}

/// Applies change(ids, privileged) to the user or group ids; it returns 0 or -errno and changes nothing in that case.
template <typename Change>
Sysret change_ids(Thread& self, IdSet Credentials::*which, Change change) {
  Guard guard(process_lock());
  Credentials& credentials = self.process->credentials;
  const bool is_user = which == &Credentials::user;
  const IdSet before = credentials.user;
  const Sysret result = change(credentials.*which, credentials.may(is_user ? cap_setuid : cap_setgid));
  if (is_user) follow_user(credentials, before);
  return result;
}

Sysret set_id(Thread& self, IdSet Credentials::*which, uint32_t id) {
  if (id == unchanged) return -EINVAL;
  return change_ids(self, which, [&](IdSet& ids, bool privileged) {
    if (privileged) ids.real = ids.saved = id;
    else if (id != ids.real && id != ids.saved) return -EPERM;
    ids.effective = ids.file = id;
    return 0;
  });
}

Sysret set_real_effective(Thread& self, IdSet Credentials::*which, uint32_t real, uint32_t effective) {
  return change_ids(self, which, [&](IdSet& ids, bool privileged) {
    const IdSet old = ids;
    if (!privileged && real != unchanged && real != old.real && real != old.effective) return -EPERM;
    if (!privileged && effective != unchanged && !old.names(effective)) return -EPERM;
    if (real != unchanged) ids.real = real;
    if (effective != unchanged) ids.effective = effective;
    if (real != unchanged || (effective != unchanged && effective != old.real)) ids.saved = ids.effective;
    ids.file = ids.effective;
    return 0;
  });
}

Sysret set_three(Thread& self, IdSet Credentials::*which, const Args& args) {
  const uint32_t wanted[] = {static_cast<uint32_t>(args[0]), static_cast<uint32_t>(args[1]),
                             static_cast<uint32_t>(args[2])};
  return change_ids(self, which, [&](IdSet& ids, bool privileged) {
    for (const uint32_t id : wanted)
      if (!privileged && id != unchanged && !ids.names(id)) return -EPERM;
    if (wanted[0] != unchanged) ids.real = wanted[0];
    if (wanted[1] != unchanged) ids.effective = wanted[1];
    if (wanted[2] != unchanged) ids.saved = wanted[2];
    ids.file = ids.effective;
    return 0;
  });
}

/// Never fails: returns what it was.
Sysret set_file_id(Thread& self, IdSet Credentials::*which, uint32_t id) {
  return change_ids(self, which, [&](IdSet& ids, bool privileged) {
    const uint32_t before = ids.file;
    if (id != unchanged && (privileged || ids.names(id))) ids.file = id;
    return static_cast<Sysret>(before);
  });
}

Sysret tell_three(const IdSet& ids, const Args& args) {
  const bool told =
      write_user(args[0], ids.real) && write_user(args[1], ids.effective) && write_user(args[2], ids.saved);
  return told ? 0 : -EFAULT;
}

struct CapabilityHeader {  // cap_user_header_t
  uint32_t version;
  int32_t pid;
};
struct CapabilityData {  // cap_user_data_t
  uint32_t effective, permitted, inheritable;
};
constexpr uint32_t version_1 = 0x19980330, version_2 = 0x20071026, version_3 = 0x20080522;

/// How many CapabilityData a version has; 0: none we know.
int words_of(uint32_t version) {
  if (version == version_1) return 1;
  return version == version_2 || version == version_3 ? 2 : 0;
}

/// Reads the header. An unknown version is answered with ours: 0 words, and -EINVAL.
Sysret read_header(UserAddr from, CapabilityHeader& header, int& words) {
  if (!read_user(from, header)) return -EFAULT;
  words = words_of(header.version);
  if (words != 0) return 0;
  return write_user(from, version_3) ? -EINVAL : -EFAULT;
}

}  // namespace

Sysret sys_getuid(Thread& self, const Args&) { return credentials_of(self).user.real; }
Sysret sys_geteuid(Thread& self, const Args&) { return credentials_of(self).user.effective; }
Sysret sys_getgid(Thread& self, const Args&) { return credentials_of(self).group.real; }
Sysret sys_getegid(Thread& self, const Args&) { return credentials_of(self).group.effective; }
Sysret sys_getresuid(Thread& self, const Args& args) { return tell_three(credentials_of(self).user, args); }
Sysret sys_getresgid(Thread& self, const Args& args) { return tell_three(credentials_of(self).group, args); }

Sysret sys_setuid(Thread& self, const Args& args) {
  return set_id(self, &Credentials::user, static_cast<uint32_t>(args[0]));
}
Sysret sys_setgid(Thread& self, const Args& args) {
  return set_id(self, &Credentials::group, static_cast<uint32_t>(args[0]));
}
Sysret sys_setreuid(Thread& self, const Args& args) {
  return set_real_effective(self, &Credentials::user, static_cast<uint32_t>(args[0]), static_cast<uint32_t>(args[1]));
}
Sysret sys_setregid(Thread& self, const Args& args) {
  return set_real_effective(self, &Credentials::group, static_cast<uint32_t>(args[0]), static_cast<uint32_t>(args[1]));
}
Sysret sys_setresuid(Thread& self, const Args& args) { return set_three(self, &Credentials::user, args); }
Sysret sys_setresgid(Thread& self, const Args& args) { return set_three(self, &Credentials::group, args); }
Sysret sys_setfsuid(Thread& self, const Args& args) {
  return set_file_id(self, &Credentials::user, static_cast<uint32_t>(args[0]));
}
Sysret sys_setfsgid(Thread& self, const Args& args) {
  return set_file_id(self, &Credentials::group, static_cast<uint32_t>(args[0]));
}

Sysret sys_getgroups(Thread& self, const Args& args) {
  const auto room = static_cast<int>(args[0]);
  const Credentials credentials = credentials_of(self);
  const uint32_t count = credentials.supplementary_count;
  if (room < 0 || (room > 0 && static_cast<uint32_t>(room) < count)) return -EINVAL;
  if (room > 0 && !copy_out(args[1], credentials.supplementary, count * sizeof(uint32_t)) && count > 0) return -EFAULT;
  return count;
}

Sysret sys_setgroups(Thread& self, const Args& args) {
  constexpr uint64_t most = 65536;  // Linux's NGROUPS_MAX
  uint32_t groups[supplementary_limit];
  const auto count = static_cast<uint32_t>(args[0]);
  if (!credentials_of(self).may(cap_setgid)) return -EPERM;
  if (count > most) return -EINVAL;
  if (count > supplementary_limit) return -ENOMEM;
  if (count > 0 && !copy_in(groups, args[1], count * sizeof(uint32_t))) return -EFAULT;
  Guard guard(process_lock());
  Credentials& credentials = self.process->credentials;
  for (uint32_t i = 0; i < count; ++i) credentials.supplementary[i] = groups[i];
  credentials.supplementary_count = count;
  return 0;
}

Sysret sys_capget(Thread& self, const Args& args) {
  CapabilityHeader header;
  int words = 0;
  const Sysret bad = read_header(args[0], header, words);
  if (bad != 0) return bad == -EINVAL && args[1] == 0 ? 0 : bad;  // asking for the version alone is fine
  if (args[1] == 0) return 0;
  if (header.pid < 0) return -EINVAL;
  CapabilityData data[2];
  {
    Guard guard(process_lock());
    const Thread* thread = header.pid == 0 ? &self : find_thread(header.pid);
    if (thread == nullptr) return -ESRCH;
    const Credentials& of = thread->process->credentials;
    for (int i = 0; i < 2; ++i)
      data[i] = {static_cast<uint32_t>(of.effective >> 32 * i), static_cast<uint32_t>(of.permitted >> 32 * i),
                 static_cast<uint32_t>(of.inheritable >> 32 * i)};
  }
  return copy_out(args[1], data, static_cast<uint64_t>(words) * sizeof(CapabilityData)) ? 0 : -EFAULT;
}

Sysret sys_capset(Thread& self, const Args& args) {
  CapabilityHeader header;
  int words = 0;
  if (const Sysret bad = read_header(args[0], header, words); bad != 0) return bad;
  if (header.pid != 0 && header.pid != self.tid) return -EPERM;
  CapabilityData data[2] = {};
  if (!copy_in(data, args[1], static_cast<uint64_t>(words) * sizeof(CapabilityData))) return -EFAULT;
  const auto joined = [&](uint32_t CapabilityData::*set) {
    return (data[0].*set | static_cast<uint64_t>(data[1].*set) << 32) & all_capabilities;
  };
  const uint64_t effective = joined(&CapabilityData::effective), permitted = joined(&CapabilityData::permitted),
                 inheritable = joined(&CapabilityData::inheritable);
  Guard guard(process_lock());
  Credentials& mine = self.process->credentials;
  if ((permitted & ~mine.permitted) != 0 || (effective & ~permitted) != 0) return -EPERM;
  if (!mine.may(cap_setpcap) && (inheritable & ~(mine.inheritable | mine.permitted)) != 0) return -EPERM;
  mine.effective = effective;
  mine.permitted = permitted;
  mine.inheritable = inheritable;
  return 0;
}

}  // namespace hobbes::lwk
