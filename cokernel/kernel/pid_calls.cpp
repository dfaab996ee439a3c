// SPDX-License-Identifier: Apache-2.0
// The calls on pidfds.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/pid_file.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {

Sysret sys_pidfd_open(Thread& self, const Args& args) {
  const auto pid = static_cast<int>(args[0]);
  const auto flags = static_cast<uint32_t>(args[1]);
  if ((flags & ~fs::O_NONBLOCK) != 0 || pid <= 0) return -EINVAL;
  fs::FileRef file;
  if (const int error = fs::make_pid_file(flags, file); error != 0) return error;
  {
    Guard guard(process_lock());
    Process* process = find_process(pid);
    if (process == nullptr) return find_thread(pid) != nullptr ? -EINVAL : -ESRCH;
    fs::attach_pid_file(*file, *process);
  }
  return fs::add_file(self, file, true);
}

Sysret sys_pidfd_send_signal(Thread& self, const Args& args) {
  const auto signal = static_cast<int>(args[1]);
  if (args[3] != 0) return -EINVAL;
  fs::FileRef file = fs::file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  SignalInfo info = signal_from(self, signal, si_user);
  if (args[2] != 0) {
    if (!read_user(args[2], info)) return -EFAULT;
    if (info.signo != signal) return -EINVAL;
  }
  Guard guard(process_lock());
  const PidWatcher* watcher = fs::pid_watcher_of(*file);
  if (watcher == nullptr) return -EBADF;
  if (watcher->process == nullptr) return -ESRCH;
  if (args[2] != 0 && watcher->process != self.process && (info.code >= 0 || info.code == si_tkill)) return -EPERM;
  return send_to_process(self, *watcher->process, signal, info);
}

}  // namespace hobbes::lwk
