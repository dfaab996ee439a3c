// SPDX-License-Identifier: Apache-2.0
// A trap from user mode leaves Linux's signal frame for good: its registers become the thread's Registers, its
// floating-point state goes back to the CPU, and the kernel goes on as after a system call. No sigreturn is needed, and
// no signal stays blocked. A trap from kernel code returns through Linux.
#include "cokernel/arch/hosted/trap.hpp"

#include "cokernel/arch/common/fpu.hpp"
#include "cokernel/arch/common/user_copy.hpp"
#include "cokernel/arch/hosted/blocks.hpp"
#include "cokernel/arch/hosted/entry.hpp"
#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/arch/hosted/rewrite.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/signal_context.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::lwk {
namespace {

constexpr uint32_t audit_x86_64 = 0xc000003e;

/// siginfo_t of SIGSYS.
struct SysInfo {
  int32_t signo, error, code, pad;
  uint64_t address;
  int32_t number;
  uint32_t machine;
};

bool in_kernel(uint64_t rip) {
  return rip - HOBBES_HOSTED_KERNEL_BASE < HOBBES_BOOT_KERNEL_LIMIT;
}

/// The kernel's own code runs on the thread's kernel stack, or in a thread of its own. A fault elsewhere is that of a
/// program which jumped there: it is the program's, and not the kernel's end.
bool is_kernels(const Thread& self, const MachineContext& context) {
  if (!in_kernel(context.rip) || self.process->app == nullptr) return in_kernel(context.rip);
  return context.rsp - linux::address(self.kernel_stack) <= self.kernel_stack_top - linux::address(self.kernel_stack);
}

bool continue_at_fixup(MachineContext& context) {
  const uint64_t target = fixup_of(context.rip);
  if (target != 0) context.rip = target;
  return target != 0;
}

SignalInfo fault_info(int signal, const SignalInfo& from) {
  SignalInfo info{};
  info.signo = signal;
  info.code = from.code;
  info.fault = from.fault;
  return info;
}

/// The way out is started over: `attention` was set before the interrupt came, or is now.
void restart_exit(Thread& self, MachineContext& context) {
  context.rip = reinterpret_cast<uint64_t>(hosted_exit_to_user);
  context.rsp = reinterpret_cast<uint64_t>(self.registers);
}

void kernel_trap(int signal, const SignalInfo& info, MachineContext& context) {
  Thread& self = port::current();
  const uint64_t exit_start = reinterpret_cast<uint64_t>(hosted_exit_to_user);
  const uint64_t exit_end = reinterpret_cast<uint64_t>(hosted_exit_window_end);
  if (signal == linux::signal_interrupt) {
    hosted::drop_unplugged_blocks();
    if (context.rip >= exit_start && context.rip < exit_end) restart_exit(self, context);
    return;
  }
  if (context.rip == reinterpret_cast<uint64_t>(hosted_iret)) {
    // The registers to go to were none: the program's fault.
    force_signal(self, fault_info(SIGSEGV, info));
    return restart_exit(self, context);
  }
  if (signal == SIGSEGV && hosted::map_missing_block(info.fault.address)) return;
  if (continue_at_fixup(context)) return;
  panic("signal %d in the kernel at %x, address %x, thread %d", static_cast<int64_t>(signal), context.rip,
        info.fault.address, static_cast<int64_t>(self.tid));
}

/// An interrupt of the short way through getpid, whose registers are still the user's: it came behind the call then.
void finish_getpid(MachineContext& context) {
  if (context.rip < reinterpret_cast<uint64_t>(hosted_getpid_entry) ||
      context.rip >= reinterpret_cast<uint64_t>(hosted_getpid_end))
    return;
  context.rax = port::current().process_id;
  context.rip = context.rcx;
}

void note_system_call(Thread& self, Registers& registers, const SignalInfo& info) {
  const auto& sys = reinterpret_cast<const SysInfo&>(info);
  ++self.totals.traps;
  // Calls of another table (int 0x80, x32) are none of ours; no number is served as -ENOSYS.
  registers.number = sys.machine == audit_x86_64 ? static_cast<uint32_t>(sys.number) : syscall_limit;
  if (sys.machine == audit_x86_64) hosted::rewrite_site(self, sys.address - 2, static_cast<uint32_t>(sys.number));
}

void trap(int signal, SignalInfo* info, UserContext* user) {
  if (signal == linux::signal_interrupt) finish_getpid(user->machine);
  Thread& self = port::current();
  // An interrupt may come before the way in has switched stacks.
  if (is_kernels(self, user->machine) || (signal == linux::signal_interrupt && in_kernel(user->machine.rip)))
    return kernel_trap(signal, *info, user->machine);
  Registers& registers = *self.registers;
  registers = Registers{};
  from_context(registers, user->machine);
  if (signal == linux::signal_sys) note_system_call(self, registers, *info);
  else if (signal == linux::signal_interrupt) hosted::drop_unplugged_blocks();
  else if (signal != SIGTRAP || !hosted::is_being_rewritten(registers.rip)) force_signal(self, fault_info(signal, *info));
  hosted_resume_trap(&registers, user->machine.fpu, arch::fpu_features());
}

}  // namespace

namespace hosted {

void start_traps() {
  constexpr uint64_t flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER;
  const SignalAction action{reinterpret_cast<uint64_t>(trap), flags, reinterpret_cast<uint64_t>(hosted_restorer), 0};
  const int signals[] = {linux::signal_sys, linux::signal_interrupt, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (const int signal : signals)
    if (linux::call(linux::nr_rt_sigaction, static_cast<uint64_t>(signal), linux::address(&action), 0,
                    sizeof(SignalSet)) != 0)
      panic("Linux refuses the handler of signal %d", static_cast<int64_t>(signal));
  // Whatever mask the loader was started with, traps come through.
  const SignalSet none = 0;
  constexpr uint64_t set_mask = 2;
  linux::call(linux::nr_rt_sigprocmask, set_mask, linux::address(&none), 0, sizeof(none));
}

}  // namespace hosted
}  // namespace hobbes::lwk

using namespace hobbes::lwk;

void hosted_deliver(Thread* self, Registers* registers) { deliver_signals(*self, *registers); }
void hosted_serve(Thread* self, Registers* registers) { serve_system_call(*self, *registers); }

void hosted_user_trap(Thread* self, Registers* registers) {
  if (registers->number != no_call) serve_system_call(*self, *registers);
}
