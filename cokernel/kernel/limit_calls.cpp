// SPDX-License-Identifier: Apache-2.0
// Resource limits: asked for, set, and handed to those who keep a process to them.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

/// Under process_lock: SIGXCPU when the soft limit has passed, then every second until the hard one kills.
void watch_cpu_limit(Process& process) {
  Timer& timer = process.timers.interval[cpu_limit];
  timer.process = &process;
  timer.counts_cpu = true;
  const uint64_t seconds = process.limits.at[limit_cpu].soft;
  const bool endless = seconds >= static_cast<uint64_t>(INT64_MAX / ns_per_second);
  arm_timer(timer, endless ? never : static_cast<int64_t>(max<uint64_t>(seconds, 1)) * ns_per_second, ns_per_second);
}

/// What a new limit of the running process means at once. Another's memory and descriptors keep to theirs from its next
/// fork or execve on.
void apply(Process& process, uint32_t which) {
  if (which == limit_space || which == limit_data)
    process.space.set_limits(process.limits.at[limit_space].soft, process.limits.at[limit_data].soft);
  if (which == limit_files) {
    Guard guard(process.files_lock);
    if (process.files != nullptr) process.files->set_limit(process.limits.at[limit_files].soft);
  }
}

bool may_limit(const Process& self, const Process& other) {
  const IdSet& mine = self.credentials.user;
  return &self == &other || (self.app == other.app && (self.credentials.may(cap_sys_resource) ||
                                                       mine.real == other.credentials.user.real));
}

}  // namespace

Sysret sys_prlimit64(Thread& self, const Args& args) {
  if (args[1] >= limit_count) return -EINVAL;
  const auto which = static_cast<uint32_t>(args[1]);
  const auto pid = static_cast<int>(args[0]);
  const bool changes = args[2] != 0;
  ResourceLimit wanted, old;
  if (changes && !read_user(args[2], wanted)) return -EFAULT;
  Process* process = self.process;
  {
    Guard guard(process_lock());
    if (pid != 0) process = find_process(pid);
    if (process == nullptr) return -ESRCH;
    if (!may_limit(*self.process, *process)) return -EPERM;
    ResourceLimit& limit = process->limits.at[which];
    old = limit;
    if (changes) {
      if (wanted.soft > wanted.hard) return -EINVAL;
      // More descriptors than a table holds nobody may have.
      if (which == limit_files && wanted.hard > static_cast<uint64_t>(fs::FdTable::limit)) return -EPERM;
      if (wanted.hard > limit.hard && !self.process->credentials.may(cap_sys_resource)) return -EPERM;
      limit = wanted;
      if (which == limit_cpu) watch_cpu_limit(*process);
    }
  }
  if (changes && process == self.process) apply(*process, which);
  return args[3] == 0 || write_user(args[3], old) ? 0 : -EFAULT;
}

Sysret sys_getrlimit(Thread& self, const Args& args) { return sys_prlimit64(self, {{0, args[0], 0, args[1]}}); }

Sysret sys_setrlimit(Thread& self, const Args& args) {
  return args[1] == 0 ? -EFAULT : sys_prlimit64(self, {{0, args[0], args[1], 0}});
}

void inherit_limits(Process& child, const Process& parent) {
  child.limits = parent.limits;
  child.files->set_limit(child.limits.at[limit_files].soft);
  Guard guard(process_lock());
  if (child.limits.at[limit_cpu].soft != unlimited) watch_cpu_limit(child);
}

}  // namespace hobbes::lwk
