// SPDX-License-Identifier: Apache-2.0
// wait4 and waitid.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/pid_file.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/resource_usage.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint32_t kinds_of_child = wait_nothread | wait_all | wait_clone;

enum WaitFor : uint64_t { for_all = 0, for_pid = 1, for_group = 2, for_pidfd = 3 };

/// The pid that a pidfd of a child stands for. `nonblocking`: so the file says.
Sysret pid_of_file(Thread& self, uint64_t fd, bool& nonblocking) {
  if (static_cast<int>(fd) < 0) return -EINVAL;
  fs::FileRef file = fs::file_of(self, fd);
  if (!file) return -EBADF;
  nonblocking = file->nonblocking();
  Guard guard(process_lock());
  const PidWatcher* watcher = fs::pid_watcher_of(*file);
  if (watcher == nullptr) return -EBADF;
  return watcher->process == nullptr ? -ECHILD : watcher->process->pid;
}

/// WaitRequest::pid of waitid's first two arguments, or -errno below -1's meaning: in `error`.
int to_pid(Thread& self, const Args& args, bool& nonblocking, Sysret& error) {
  const auto id = static_cast<int>(args[1]);
  error = 0;
  switch (static_cast<WaitFor>(args[0])) {
    case for_all: return -1;
    case for_pid:
      if (id <= 0) error = -EINVAL;
      return id;
    case for_group:
      if (id < 0) error = -EINVAL;
      return -id;
    case for_pidfd: {
      const Sysret pid = pid_of_file(self, args[1], nonblocking);
      if (pid < 0) error = pid;
      return static_cast<int>(pid);
    }
    default: error = -EINVAL; return 0;
  }
}

SignalInfo info_of(const Waited& waited) {
  constexpr int exited = 1, killed = 2;  // CLD_*
  SignalInfo info{};
  const int signal = waited.status & 0x7f;
  info.signo = SIGCHLD;
  info.code = signal == 0 ? exited : killed;
  info.child.pid = waited.pid;
  info.child.uid = waited.uid;
  info.child.status = signal == 0 ? waited.status >> 8 : signal;
  return info;
}

}  // namespace

Sysret sys_wait4(Thread& self, const Args& args) {
  const auto options = static_cast<uint32_t>(args[2]);
  const auto pid = static_cast<int>(args[0]);
  if ((options & ~(wait_nohang | wait_untraced | wait_continued | kinds_of_child)) != 0) return -EINVAL;
  if (pid == INT32_MIN) return -ESRCH;
  Waited waited;
  const Sysret found = wait_for_child(*self.process, {pid, options}, waited);
  if (found <= 0) return found;
  if (args[1] != 0 && !write_user(args[1], waited.status)) return -EFAULT;
  if (args[3] != 0 && !write_user(args[3], usage_of(waited.cpu, 0))) return -EFAULT;
  return waited.pid;
}

Sysret sys_waitid(Thread& self, const Args& args) {
  constexpr uint32_t events = wait_exited | wait_untraced | wait_continued;
  auto options = static_cast<uint32_t>(args[3]);
  constexpr uint32_t known = wait_nohang | wait_nowait | events | kinds_of_child;
  if ((options & ~known) != 0 || (options & events) == 0) return -EINVAL;
  bool nonblocking = false;
  Sysret error = 0;
  const int pid = to_pid(self, args, nonblocking, error);
  if (error != 0) return error;
  const bool asked_not_to_wait = (options & wait_nohang) != 0;
  if (nonblocking) options |= wait_nohang;
  Waited waited;
  const Sysret found = wait_for_child(*self.process, {pid, options}, waited);
  if (found < 0) return found;
  if (found == 0 && nonblocking && !asked_not_to_wait) return -EAGAIN;
  const SignalInfo info = found > 0 ? info_of(waited) : SignalInfo{};
  // Linux writes the fields, not the whole of siginfo_t.
  constexpr uint64_t fields = offsetof(SignalInfo, child.utime);
  if (args[2] != 0 && !copy_out(args[2], &info, fields)) return -EFAULT;
  if (args[4] != 0 && found > 0 && !write_user(args[4], usage_of(waited.cpu, 0))) return -EFAULT;
  return 0;
}

}  // namespace hobbes::lwk
