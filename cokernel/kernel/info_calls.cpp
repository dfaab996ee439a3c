// SPDX-License-Identifier: Apache-2.0
// Calls that ask who and where one is, and the small settings of a process.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

/// Under process_lock.
bool session_has_group(int session, int group) {
  for (const Process& process : all_processes())
    if (process.group == group && process.session == session) return true;
  return false;
}

}  // namespace

Sysret sys_getpid(Thread& self, const Args&) { return self.process->pid; }
Sysret sys_gettid(Thread& self, const Args&) { return self.tid; }
Sysret sys_getppid(Thread& self, const Args&) {
  Guard guard(process_lock());
  return self.process->parent->pid;
}

Sysret sys_getpgid(Thread& self, const Args& args) {
  Guard guard(process_lock());
  const Process* process = args[0] == 0 ? self.process : find_process(static_cast<int>(args[0]));
  return process == nullptr ? -ESRCH : process->group;
}

Sysret sys_getpgrp(Thread& self, const Args&) { return sys_getpgid(self, {}); }

Sysret sys_setpgid(Thread& self, const Args& args) {
  Guard guard(process_lock());
  Process* process = args[0] == 0 ? self.process : find_process(static_cast<int>(args[0]));
  if (static_cast<int>(args[1]) < 0) return -EINVAL;
  if (process == nullptr || (process != self.process && process->parent != self.process)) return -ESRCH;
  const int group = args[1] == 0 ? process->pid : static_cast<int>(args[1]);
  if (process->session == process->pid || process->session != self.process->session) return -EPERM;
  if (group != process->pid && !session_has_group(process->session, group)) return -EPERM;
  process->group = group;
  return 0;
}

Sysret sys_getsid(Thread& self, const Args& args) {
  Guard guard(process_lock());
  const Process* process = args[0] == 0 ? self.process : find_process(static_cast<int>(args[0]));
  return process == nullptr ? -ESRCH : process->session;
}

Sysret sys_setsid(Thread& self, const Args&) {
  Guard guard(process_lock());
  Process& process = *self.process;
  if (process.group == process.pid) return -EPERM;
  process.group = process.session = process.pid;
  return process.pid;
}

Sysret sys_uname(Thread&, const Args& args) {
  struct {
    char system[65], node[65], release[65], version[65], machine[65], domain[65];
  } name{};
  copy_string(name.system, "Linux", sizeof(name.system));
  copy_string(name.node, boot_params().name, sizeof(name.node));
  copy_string(name.release, "6.1.0-hobbes", sizeof(name.release));
  copy_string(name.version, "Hobbes co-kernel", sizeof(name.version));
  copy_string(name.machine, "x86_64", sizeof(name.machine));
  copy_string(name.domain, "(none)", sizeof(name.domain));
  return write_user(args[0], name) ? 0 : -EFAULT;
}

Sysret sys_sysinfo(Thread&, const Args& args) {
  struct {
    int64_t uptime;
    uint64_t loads[3], total, free, shared, buffer, total_swap, free_swap;
    uint16_t processes, pad;
    uint32_t pad2;
    uint64_t total_high, free_high;
    uint32_t unit;
    char fill[4];
  } info{};
  info.uptime = monotonic_ns() / ns_per_second;
  info.total = page_allocator().total_pages() << page_shift;
  info.free = page_allocator().free_pages() << page_shift;
  info.unit = 1;
  {
    Guard guard(process_lock());
    for ([[maybe_unused]] const Process& process : all_processes()) ++info.processes;
  }
  return write_user(args[0], info) ? 0 : -EFAULT;
}

Sysret sys_arch_prctl(Thread&, const Args& args) {
  constexpr uint64_t set_gs = 0x1001, set_fs = 0x1002, get_fs = 0x1003, get_gs = 0x1004;
  UserAddr gs = 0;
  switch (args[0]) {
    case set_fs:
      if (args[1] >= port::user_end) return -EPERM;
      port::set_user_tls(args[1]);
      return 0;
    case get_fs: return write_user(args[1], port::user_tls()) ? 0 : -EFAULT;
    case set_gs:
      if (args[1] >= port::user_end) return -EPERM;
      return port::set_user_gs(args[1]) ? 0 : -EINVAL;
    case get_gs:
      if (!port::user_gs(gs)) return -EINVAL;
      return write_user(args[1], gs) ? 0 : -EFAULT;
    default: return -EINVAL;
  }
}

Sysret sys_set_tid_address(Thread& self, const Args& args) {
  self.clear_on_exit = args[0];
  return self.tid;
}

Sysret sys_prctl(Thread& self, const Args& args) {
  constexpr uint64_t set_death_signal = 1, get_death_signal = 2, set_name = 15, get_name = 16;
  switch (args[0]) {
    case set_death_signal: {
      if (args[1] > static_cast<uint64_t>(signal_count)) return -EINVAL;
      Guard guard(process_lock());
      self.process->death_signal = static_cast<int>(args[1]);
      return 0;
    }
    case get_death_signal: return write_user(args[1], self.process->death_signal) ? 0 : -EFAULT;
    case set_name: {
      char name[sizeof(self.process->command)] = {};
      const int64_t length = port::copy_string_from_user(name, args[1], sizeof(name));
      if (length == -1) return -EFAULT;
      name[sizeof(name) - 1] = '\0';
      Guard guard(process_lock());
      memcpy(self.process->command, name, sizeof(name));
      return 0;
    }
    case get_name: return copy_out(args[1], self.process->command, sizeof(self.process->command)) ? 0 : -EFAULT;
    default: return -EINVAL;
  }
}

Sysret sys_getcpu(Thread& self, const Args& args) {
  uint32_t cpu = 0, node = 0;
  where_is(self, cpu, node);
  if (args[0] != 0 && !write_user(args[0], cpu)) return -EFAULT;
  return args[1] == 0 || write_user(args[1], node) ? 0 : -EFAULT;
}

Sysret sys_personality(Thread& self, const Args& args) {
  constexpr uint32_t only_ask = 0xffffffff;
  const auto wanted = static_cast<uint32_t>(args[0]);
  Guard guard(process_lock());
  const auto before = static_cast<Sysret>(self.process->personality);
  if (wanted != only_ask) self.process->personality = wanted;
  return before;
}

/// The node's name and the node's clock are not the enclave's to set.
Sysret sys_sethostname(Thread&, const Args&) { return -EPERM; }
Sysret sys_setdomainname(Thread&, const Args&) { return -EPERM; }
Sysret sys_settimeofday(Thread&, const Args&) { return -EPERM; }

}  // namespace hobbes::lwk
