// SPDX-License-Identifier: Apache-2.0
// Signals, with Linux's numbers, masks and structs.
#pragma once

#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

struct Thread;
struct Process;
struct Registers;
class WaitQueue;

enum Signal : int {
  SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9,
  SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15, SIGCHLD = 17, SIGCONT = 18,
  SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGURG = 23, SIGXCPU = 24, SIGVTALRM = 26,
  SIGPROF = 27, SIGWINCH = 28, first_queued_signal = 32,
  signal_count = 64,
};

using SignalSet = uint64_t;  ///< bit n - 1 is signal n
constexpr SignalSet signal_bit(int signal) { return 1ull << (signal - 1); }
inline constexpr SignalSet unblockable = signal_bit(SIGKILL) | signal_bit(SIGSTOP);

/// Linux's siginfo_t.
struct SignalInfo {
  int32_t signo, error, code, pad;
  union {
    struct { int32_t pid; uint32_t uid; uint64_t value; } sender;
    struct { int32_t pid; uint32_t uid; int32_t status; int32_t pad; int64_t utime, stime; } child;
    struct { uint64_t address; } fault;
    uint8_t bytes[112];
  };
};
static_assert(sizeof(SignalInfo) == 128);

/// Signals from SIGRTMIN on queue: the first lies with the pending ones, the others of its number wait here.
struct QueuedSignal : ListNode {
  SignalInfo info;
};
struct SignalBacklog : List<QueuedSignal> {
  ~SignalBacklog() {
    while (QueuedSignal* signal = pop_front()) delete signal;
  }
};

/// Linux's kernel_sigaction.
struct SignalAction {
  uint64_t handler;  ///< 0 default, 1 ignore
  uint64_t flags;
  uint64_t restorer;
  SignalSet mask;
};

inline constexpr uint64_t sig_default = 0, sig_ignore = 1;
enum SignalFlags : uint64_t {
  SA_NOCLDSTOP = 1, SA_NOCLDWAIT = 2, SA_SIGINFO = 4, SA_ONSTACK = 0x08000000, SA_RESTART = 0x10000000,
  SA_NODEFER = 0x40000000, SA_RESETHAND = 0x80000000, SA_RESTORER = 0x04000000,
};

inline constexpr int si_user = 0, si_kernel = 0x80, si_tkill = -6;

struct AlternateStack {  ///< Linux's stack_t
  uint64_t base;
  int32_t flags;
  int32_t pad;
  uint64_t size;
};
inline constexpr int ss_onstack = 1, ss_disable = 2;

/// Results a handler returns when a signal ended its sleep, like Linux's: restarted or turned into -EINTR by the delivery.
inline constexpr int64_t restart_call = -512;       ///< ERESTARTSYS: again under SA_RESTART, else EINTR
inline constexpr int64_t restart_always = -513;         ///< ERESTARTNOINTR: again, whatever a handler says
inline constexpr int64_t restart_never_handled = -514;  ///< ERESTARTNOHAND: again only if no handler ran

/// Woken when a signal is made pending, for whomever.
[[nodiscard]] WaitQueue& signal_arrived();

void send_signal(Process& process, const SignalInfo& info);
void send_signal(Process& process, int signal, int code = si_kernel);
/// Under process_lock. 1: it is pending now; 0: it is ignored, or was pending; -EAGAIN: it does not fit into the queue.
int send_signal_locked(Process& process, const SignalInfo& info);
int send_signal_locked(Thread& thread, const SignalInfo& info);
/// Under process_lock: takes the lowest pending signal of `wanted`, the thread's own first. False: none is.
[[nodiscard]] bool take_signal_locked(Thread& self, SignalSet wanted, SignalInfo& info);
/// What a signal says that `self` sends.
[[nodiscard]] SignalInfo signal_from(const Thread& self, int signal, int code);
/// Under process_lock: kill(2) of one process, which stays within the application; 0 only tests.
[[nodiscard]] Sysret send_to_process(Thread& self, Process& process, int signal, const SignalInfo& info);
/// A fault of the running thread: cannot be ignored or blocked.
void force_signal(Thread& self, const SignalInfo& info);
/// Makes the thread look at its signals and at `killed`, wherever it is: asleep in the kernel or in user mode.
void alert(Thread& thread);
[[nodiscard]] bool signal_pending(const Thread& thread);

/// Delivers what is pending to the running thread whose user state is `registers`: sets up a handler's frame, or does
/// the default action. Called by the port before it goes to user mode, until nothing is pending.
void deliver_signals(Thread& self, Registers& registers);


}  // namespace hobbes::lwk
