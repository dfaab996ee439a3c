// SPDX-License-Identifier: Apache-2.0
// Calls that ask who and where one is, and the small settings of a process.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {

Sysret sys_getpid(Thread& self, const Args&) { return self.process->pid; }
Sysret sys_gettid(Thread& self, const Args&) { return self.tid; }
Sysret sys_getuid(Thread& self, const Args&) { return self.process->app->uid; }
Sysret sys_getgid(Thread& self, const Args&) { return self.process->app->gid; }

Sysret sys_getppid(Thread& self, const Args&) {
  Guard guard(process_lock());
  return self.process->parent->pid;
}

Sysret sys_getresuid(Thread& self, const Args& args) {
  for (int i = 0; i < 3; ++i)
    if (!write_user(args[i], self.process->app->uid)) return -EFAULT;
  return 0;
}

Sysret sys_getresgid(Thread& self, const Args& args) {
  for (int i = 0; i < 3; ++i)
    if (!write_user(args[i], self.process->app->gid)) return -EFAULT;
  return 0;
}

/// Changing to what one is already is fine; nothing else is.
Sysret sys_setuid(Thread& self, const Args& args) { return args[0] == self.process->app->uid ? 0 : -EPERM; }
Sysret sys_setgid(Thread& self, const Args& args) { return args[0] == self.process->app->gid ? 0 : -EPERM; }
Sysret sys_getgroups(Thread&, const Args&) { return 0; }

Sysret sys_getpgid(Thread& self, const Args& args) {
  Guard guard(process_lock());
  const Process* process = args[0] == 0 ? self.process : find_process(static_cast<int>(args[0]));
  return process == nullptr ? -ESRCH : process->group;
}

Sysret sys_getpgrp(Thread& self, const Args&) { return sys_getpgid(self, {}); }

Sysret sys_setpgid(Thread& self, const Args& args) {
  Guard guard(process_lock());
  Process* process = args[0] == 0 ? self.process : find_process(static_cast<int>(args[0]));
  if (process == nullptr || (process != self.process && process->parent != self.process)) return -ESRCH;
  if (static_cast<int>(args[1]) < 0) return -EINVAL;
  process->group = args[1] == 0 ? process->pid : static_cast<int>(args[1]);
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
  constexpr uint64_t set_fs = 0x1002, get_fs = 0x1003;
  switch (args[0]) {
    case set_fs:
      if (args[1] >= port::user_end) return -EPERM;
      port::set_user_tls(args[1]);
      return 0;
    case get_fs: return write_user(args[1], port::user_tls()) ? 0 : -EFAULT;
    default: return -EINVAL;  // GS is the kernel's in the hosted port
  }
}

Sysret sys_set_tid_address(Thread& self, const Args& args) {
  self.clear_on_exit = args[0];
  return self.tid;
}

Sysret sys_set_robust_list(Thread& self, const Args& args) {
  constexpr uint64_t head_size = 24;
  if (args[1] != head_size) return -EINVAL;
  self.robust_list = args[0];
  return 0;
}

Sysret sys_prlimit64(Thread& self, const Args& args) {
  constexpr uint64_t limit_data = 2, limit_stack = 3, limit_core = 4, limit_files = 7, unlimited = ~0ull;
  constexpr uint64_t file_limit = fs::FdTable::limit;
  if (args[0] != 0 && static_cast<int>(args[0]) != self.process->pid) return -ESRCH;
  if (args[1] >= 16) return -EINVAL;
  struct {
    uint64_t soft, hard;
  } limit{unlimited, unlimited};
  if (args[1] == limit_stack) limit.soft = self.process->app->memory.stack_size;
  if (args[1] == limit_data) limit.soft = self.process->app->memory.heap_size;
  if (args[1] == limit_core) limit.soft = limit.hard = 0;
  if (args[1] == limit_files) limit.soft = limit.hard = file_limit;
  if (args[2] != 0) {
    decltype(limit) wanted;
    if (!read_user(args[2], wanted)) return -EFAULT;
    if (wanted.soft > wanted.hard) return -EINVAL;
    if (wanted.hard > limit.hard) return -EPERM;
  }
  return args[3] == 0 || write_user(args[3], limit) ? 0 : -EFAULT;
}

Sysret sys_getrlimit(Thread& self, const Args& args) { return sys_prlimit64(self, {{0, args[0], 0, args[1]}}); }
Sysret sys_setrlimit(Thread& self, const Args& args) { return sys_prlimit64(self, {{0, args[0], args[1], 0}}); }

Sysret sys_prctl(Thread& self, const Args& args) {
  constexpr uint64_t set_name = 15, get_name = 16;
  switch (args[0]) {
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

Sysret sys_sched_yield(Thread&, const Args&) {
  port::relax();
  return 0;
}

Sysret sys_sched_getaffinity(Thread& self, const Args& args) {
  uint64_t mask[4];
  constexpr uint64_t whole = sizeof(mask);
  Guard guard(process_lock());
  const Thread* thread = args[0] == 0 ? &self : find_thread(static_cast<int>(args[0]));
  if (thread == nullptr) return -ESRCH;
  if (args[1] < sizeof(uint64_t) || args[1] % sizeof(uint64_t) != 0) return -EINVAL;
  allowed_cpus(*thread, mask);
  const uint64_t size = min(args[1], whole);
  return copy_out(args[2], mask, size) ? static_cast<Sysret>(size) : -EFAULT;
}

Sysret sys_sched_setaffinity(Thread& self, const Args& args) {
  uint64_t mask[4] = {};
  constexpr uint64_t whole = sizeof(mask);
  if (!copy_in(mask, args[2], min(args[1], whole))) return -EFAULT;
  Guard guard(process_lock());
  Thread* thread = args[0] == 0 ? &self : find_thread(static_cast<int>(args[0]));
  if (thread == nullptr) return -ESRCH;
  if (thread->process->app != self.process->app) return -EPERM;
  return pin_thread(*thread, mask);
}

Sysret sys_getcpu(Thread& self, const Args& args) {
  uint32_t cpu = 0, node = 0;
  where_is(self, cpu, node);
  if (args[0] != 0 && !write_user(args[0], cpu)) return -EFAULT;
  return args[1] == 0 || write_user(args[1], node) ? 0 : -EFAULT;
}

}  // namespace hobbes::lwk
