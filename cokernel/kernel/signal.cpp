// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/signal.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/signal_frame.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {
namespace {

WaitQueue arrived;

enum class Default { terminate, ignore };

/// Stop signals have no job control behind them here and are ignored.
Default default_action(int signal) {
  switch (signal) {
    case SIGCHLD: case SIGCONT: case SIGURG: case SIGWINCH:
    case SIGSTOP: case SIGTSTP: case SIGTTIN: case SIGTTOU:
      return Default::ignore;
    default:
      return Default::terminate;
  }
}

bool is_ignored(const Process& process, int signal) {
  const uint64_t handler = process.actions[signal - 1].handler;
  return handler == sig_ignore || (handler == sig_default && default_action(signal) == Default::ignore);
}

/// What send_signal_locked says.
int queue(SignalSet& pending, SignalInfo* infos, SignalBacklog& backlog, const SignalInfo& info) {
  const bool is_pending = (pending & signal_bit(info.signo)) != 0;
  if (is_pending && info.signo < first_queued_signal) return 0;
  if (!is_pending) {
    infos[info.signo - 1] = info;
    pending |= signal_bit(info.signo);
    arrived.wake_all();
    return 1;
  }
  auto* later = new (nothrow) QueuedSignal;
  if (later == nullptr) return -EAGAIN;
  later->info = info;
  backlog.push_back(*later);
  return 1;
}

/// The next of the same number becomes the pending one.
void advance(SignalSet& pending, SignalInfo* infos, SignalBacklog& backlog, int signal) {
  for (QueuedSignal& later : backlog) {
    if (later.info.signo != signal) continue;
    infos[signal - 1] = later.info;
    later.unlink();
    delete &later;
    return;
  }
  pending &= ~signal_bit(signal);
}

/// A call that a signal interrupted goes back to its `syscall` instruction, which every site keeps, or ends with EINTR.
void finish_interrupted_call(Registers& registers, bool again) {
  if (registers.number == no_call) return;
  const auto result = static_cast<int64_t>(registers.rax);
  if (result > restart_call || result < restart_never_handled) return;
  if (again) {
    registers.rax = registers.number;
    registers.rip -= 2;
  } else {
    registers.rax = static_cast<uint64_t>(-EINTR);
  }
  registers.number = no_call;
}

void handle(Thread& self, Registers& registers, const SignalInfo& info) {
  SignalAction action;
  {
    Guard guard(process_lock());
    action = self.process->actions[info.signo - 1];
    if (action.handler != sig_default && action.handler != sig_ignore && (action.flags & SA_RESETHAND) != 0)
      self.process->actions[info.signo - 1].handler = sig_default;
  }
  if (action.handler == sig_ignore || (action.handler == sig_default && default_action(info.signo) == Default::ignore))
    return;
  if (action.handler == sig_default) exit_process(killed_by(info.signo));

  const auto result = static_cast<int64_t>(registers.rax);
  const bool restarts = result == restart_always || ((action.flags & SA_RESTART) != 0 && result == restart_call);
  finish_interrupted_call(registers, restarts);
  const SignalSet return_mask = self.restore_mask ? self.saved_mask : self.mask;
  self.restore_mask = false;
  if (!push_signal_frame(self, registers, action, info, return_mask)) exit_process(killed_by(SIGSEGV));
  self.mask |= action.mask & ~unblockable;
  if ((action.flags & SA_NODEFER) == 0) self.mask |= signal_bit(info.signo);
}

}  // namespace

WaitQueue& signal_arrived() { return arrived; }

void alert(Thread& thread) {
  // release: what is pending is there when the flag is seen; partner: the exchange in deliver_signals.
  __atomic_store_n(&thread.attention, 1, __ATOMIC_RELEASE);
  wake_thread(thread);
  if (&thread != &port::current()) port::interrupt(thread);
}

bool take_signal_locked(Thread& self, SignalSet wanted, SignalInfo& info) {
  Process& process = *self.process;
  SignalSet* sets[] = {&self.pending, &process.pending};
  SignalInfo* infos[] = {self.pending_info, process.pending_info};
  SignalBacklog* backlogs[] = {&self.backlog, &process.backlog};
  for (int i = 0; i < 2; ++i) {
    const SignalSet ready = *sets[i] & wanted;
    if (ready == 0) continue;
    const int signal = __builtin_ctzll(ready) + 1;
    info = infos[i][signal - 1];
    advance(*sets[i], infos[i], *backlogs[i], signal);
    timer_signal_taken(process, info);
    return true;
  }
  return false;
}

int send_signal_locked(Process& process, const SignalInfo& info) {
  if (process.state != ProcessState::alive || process.exiting || process.pid == 1) return 0;
  const SignalSet bit = signal_bit(info.signo);
  Thread* target = nullptr;
  bool blocked_everywhere = true;
  for (Thread& thread : process.threads) {
    if ((thread.mask & bit) != 0) continue;
    blocked_everywhere = false;
    if (target == nullptr || &thread == &port::current()) target = &thread;
  }
  if (!blocked_everywhere && is_ignored(process, info.signo)) return 0;
  const int queued = queue(process.pending, process.pending_info, process.backlog, info);
  if (target != nullptr) alert(*target);
  return queued;
}

void send_signal(Process& process, const SignalInfo& info) {
  const DeferredWakes wakes;
  Guard guard(process_lock());
  send_signal_locked(process, info);
}

void send_signal(Process& process, int signal, int code) {
  SignalInfo info{};
  info.signo = signal;
  info.code = code;
  send_signal(process, info);
}

int send_signal_locked(Thread& thread, const SignalInfo& info) {
  if ((thread.mask & signal_bit(info.signo)) == 0 && is_ignored(*thread.process, info.signo)) return 0;
  const int queued = queue(thread.pending, thread.pending_info, thread.backlog, info);
  if ((thread.mask & signal_bit(info.signo)) == 0) alert(thread);
  return queued;
}

SignalInfo signal_from(const Thread& self, int signal, int code) {
  SignalInfo info{};
  info.signo = signal;
  info.code = code;
  info.sender.pid = self.process->pid;
  info.sender.uid = self.process->credentials.user.real;
  return info;
}

Sysret send_to_process(Thread& self, Process& process, int signal, const SignalInfo& info) {
  if (signal < 0 || signal > signal_count) return -EINVAL;
  if (process.app != self.process->app) return -EPERM;
  if (signal == 0 || process.state != ProcessState::alive) return 0;
  return min(send_signal_locked(process, info), 0);
}

void force_signal(Thread& self, const SignalInfo& info) {
  const SignalSet bit = signal_bit(info.signo);
  Guard guard(process_lock());
  if ((self.mask & bit) != 0 || self.process->actions[info.signo - 1].handler == sig_ignore)
    self.process->actions[info.signo - 1].handler = sig_default;
  self.mask &= ~bit;
  self.pending &= ~bit;
  (void)queue(self.pending, self.pending_info, self.backlog, info);
  __atomic_store_n(&self.attention, 1, __ATOMIC_RELEASE);  // partner: the exchange in deliver_signals
}

bool signal_pending(const Thread& thread) {
  // Racy on purpose: whoever adds a signal wakes the thread afterwards.
  const SignalSet pending = __atomic_load_n(&thread.pending, __ATOMIC_RELAXED) |
                            __atomic_load_n(&thread.process->pending, __ATOMIC_RELAXED);
  return __atomic_load_n(&thread.killed, __ATOMIC_RELAXED) || (pending & ~thread.mask) != 0;
}

void deliver_signals(Thread& self, Registers& registers) {
  // acquire: partner is the release in alert().
  while (__atomic_exchange_n(&self.attention, 0, __ATOMIC_ACQUIRE) != 0) {
    if (__atomic_load_n(&self.killed, __ATOMIC_RELAXED)) exit_thread(0);
    SignalInfo info;
    while (true) {
      bool found = false;
      {
        Guard guard(process_lock());
        found = take_signal_locked(self, ~self.mask, info);
      }
      if (!found) break;
      handle(self, registers, info);
    }
    finish_interrupted_call(registers, true);
    if (self.restore_mask) {
      self.restore_mask = false;
      self.mask = self.saved_mask;
      __atomic_store_n(&self.attention, 1, __ATOMIC_RELEASE);  // what was blocked meanwhile may be due
    }
  }
}

}  // namespace hobbes::lwk
