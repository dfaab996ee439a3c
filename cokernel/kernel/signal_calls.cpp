// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/signal_frame.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint64_t mask_size = sizeof(SignalSet);

bool valid_signal(int signal) { return signal >= 1 && signal <= signal_count; }

void set_mask(Thread& self, SignalSet mask) {
  self.mask = mask & ~unblockable;
  __atomic_store_n(&self.attention, 1, __ATOMIC_RELEASE);  // partner: the exchange in deliver_signals
}

/// The SignalInfo of rt_sigqueueinfo and rt_tgsigqueueinfo. 0 or -EFAULT.
int read_info(UserAddr from, int signal, SignalInfo& info) {
  if (!read_user(from, info)) return -EFAULT;
  info.signo = signal;
  return 0;
}

/// Nobody passes for the kernel or for kill(2).
bool may_claim(const SignalInfo& info, bool to_oneself) {
  return to_oneself || (info.code < 0 && info.code != si_tkill);
}

/// A signal, 0 included, to a thread of the application.
Sysret send_to_thread(Thread& self, int pid, int tid, int signal, const SignalInfo& info) {
  if (pid <= 0 || tid <= 0 || signal < 0 || signal > signal_count) return -EINVAL;
  Guard guard(process_lock());
  Thread* thread = find_thread(tid);
  if (thread == nullptr || thread->process->pid != pid) return -ESRCH;
  if (thread->process->app != self.process->app) return -EPERM;
  return signal == 0 ? 0 : min(send_signal_locked(*thread, info), 0);
}

}  // namespace

Sysret sys_rt_sigaction(Thread& self, const Args& args) {
  const int signal = static_cast<int>(args[0]);
  if (!valid_signal(signal) || args[3] != mask_size) return -EINVAL;
  SignalAction wanted;
  if (args[1] != 0) {
    if (signal == SIGKILL || signal == SIGSTOP) return -EINVAL;
    if (!read_user(args[1], wanted)) return -EFAULT;
  }
  SignalAction old;
  {
    Guard guard(process_lock());
    SignalAction& action = self.process->actions[signal - 1];
    old = action;
    if (args[1] != 0) action = wanted;
  }
  return args[2] == 0 || write_user(args[2], old) ? 0 : -EFAULT;
}

Sysret sys_rt_sigprocmask(Thread& self, const Args& args) {
  constexpr uint64_t block = 0, unblock = 1, set = 2;
  if (args[3] != mask_size) return -EINVAL;
  const SignalSet old = self.mask;
  if (args[1] != 0) {
    SignalSet change = 0;
    if (!read_user(args[1], change)) return -EFAULT;
    switch (args[0]) {
      case block: self.mask |= change & ~unblockable; break;
      case unblock: set_mask(self, self.mask & ~change); break;
      case set: set_mask(self, change); break;
      default: return -EINVAL;
    }
  }
  return args[2] == 0 || write_user(args[2], old) ? 0 : -EFAULT;
}

Sysret sys_rt_sigpending(Thread& self, const Args& args) {
  SignalSet pending = 0;
  {
    Guard guard(process_lock());
    pending = (self.pending | self.process->pending) & self.mask;
  }
  return write_user(args[0], pending) ? 0 : -EFAULT;
}

Sysret sys_rt_sigsuspend(Thread& self, const Args& args) {
  SignalSet mask = 0;
  if (args[1] != mask_size) return -EINVAL;
  if (!read_user(args[0], mask)) return -EFAULT;
  self.saved_mask = self.mask;
  self.restore_mask = true;
  set_mask(self, mask);
  (void)sleep_until([] { return false; }, never);
  return -EINTR;
}

Sysret sys_rt_sigtimedwait(Thread& self, const Args& args) {
  SignalSet wanted = 0;
  if (args[3] != mask_size) return -EINVAL;
  if (!read_user(args[0], wanted)) return -EFAULT;
  int64_t deadline_ns = never;
  if (args[2] != 0) {
    TimeSpec time;
    if (!read_user(args[2], time)) return -EFAULT;
    if (!is_valid(time)) return -EINVAL;
    deadline_ns = monotonic_ns() + to_ns(time);
  }
  SignalInfo info{};
  const auto taken = [&] {
    Guard guard(process_lock());
    return take_signal_locked(self, wanted, info);
  };
  const SignalSet mask = self.mask;
  // While it waits the wanted signals wake it, though the program has them blocked.
  self.mask &= ~wanted;
  const Wake wake = sleep_until(taken, deadline_ns);
  self.mask = mask;
  if (wake != Wake::condition) return wake == Wake::deadline ? -EAGAIN : -EINTR;
  if (args[1] != 0 && !write_user(args[1], info)) return -EFAULT;
  return info.signo;
}

Sysret sys_rt_sigreturn(Thread& self, const Args&) {
  if (!pop_signal_frame(self, *self.registers)) exit_process(killed_by(SIGSEGV));
  return static_cast<Sysret>(self.registers->rax);
}

Sysret sys_sigaltstack(Thread& self, const Args& args) {
  constexpr uint64_t minimum = 2048;
  const UserAddr rsp = self.registers->rsp;
  AlternateStack old = self.alternate_stack;
  const bool in_use = (old.flags & ss_disable) == 0 && rsp - old.base - 1 < old.size;
  if (in_use) old.flags |= ss_onstack;
  if (args[0] != 0) {
    AlternateStack stack;
    if (!read_user(args[0], stack)) return -EFAULT;
    if (in_use) return -EPERM;
    if ((stack.flags & ~(ss_disable | ss_onstack)) != 0) return -EINVAL;
    if ((stack.flags & ss_disable) == 0 && stack.size < minimum) return -ENOMEM;
    stack.flags &= ss_disable;
    self.alternate_stack = stack;
  }
  return args[1] == 0 || write_user(args[1], old) ? 0 : -EFAULT;
}

Sysret sys_kill(Thread& self, const Args& args) {
  const int pid = static_cast<int>(args[0]);
  const int signal = static_cast<int>(args[1]);
  if (signal < 0 || signal > signal_count) return -EINVAL;
  if (pid == INT32_MIN) return -ESRCH;
  const SignalInfo info = signal_from(self, signal, si_user);
  Guard guard(process_lock());
  if (pid > 0) {
    Process* process = find_process(pid);
    return process == nullptr ? -ESRCH : send_to_process(self, *process, signal, info);
  }
  const int group = pid == 0 ? self.process->group : -pid;
  Sysret result = -ESRCH;
  for (Process& process : all_processes()) {
    if (process.app != self.process->app || (pid != -1 && process.group != group)) continue;
    if (pid == -1 && &process == self.process) continue;
    result = send_to_process(self, process, signal, info);
  }
  return result;
}

Sysret sys_tgkill(Thread& self, const Args& args) {
  const int signal = static_cast<int>(args[2]);
  return send_to_thread(self, static_cast<int>(args[0]), static_cast<int>(args[1]), signal,
                        signal_from(self, signal, si_tkill));
}

Sysret sys_tkill(Thread& self, const Args& args) {
  int process = 0;
  if (static_cast<int>(args[0]) <= 0) return -EINVAL;
  {
    Guard guard(process_lock());
    const Thread* thread = find_thread(static_cast<int>(args[0]));
    if (thread == nullptr) return -ESRCH;
    process = thread->process->pid;
  }
  return sys_tgkill(self, {{static_cast<uint64_t>(process), args[0], args[1]}});
}

Sysret sys_rt_sigqueueinfo(Thread& self, const Args& args) {
  const int pid = static_cast<int>(args[0]), signal = static_cast<int>(args[1]);
  SignalInfo info;
  if (const int error = read_info(args[2], signal, info); error != 0) return error;
  if (!may_claim(info, pid == self.process->pid)) return -EPERM;
  Guard guard(process_lock());
  Process* process = pid <= 0 ? nullptr : find_process(pid);
  return process == nullptr ? -ESRCH : send_to_process(self, *process, signal, info);
}

Sysret sys_rt_tgsigqueueinfo(Thread& self, const Args& args) {
  const int signal = static_cast<int>(args[2]);
  SignalInfo info;
  if (const int error = read_info(args[3], signal, info); error != 0) return error;
  if (static_cast<int>(args[0]) <= 0 || static_cast<int>(args[1]) <= 0) return -EINVAL;
  if (!may_claim(info, static_cast<int>(args[1]) == self.tid)) return -EPERM;
  return send_to_thread(self, static_cast<int>(args[0]), static_cast<int>(args[1]), signal, info);
}

Sysret sys_pause(Thread&, const Args&) {
  (void)sleep_until([] { return false; }, never);
  return restart_never_handled;
}

}  // namespace hobbes::lwk
