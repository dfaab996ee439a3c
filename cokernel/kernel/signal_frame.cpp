// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/signal_frame.hpp"

#include "cokernel/kernel/signal_context.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

struct Frame {
  uint64_t return_address;
  UserContext context;
  SignalInfo info;
};

constexpr uint64_t context_flags = 7;  // UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
constexpr uint64_t red_zone = 128;
constexpr uint64_t interrupts_on = 0x200;
bool on_alternate_stack(const Thread& self, UserAddr rsp) {
  return (self.alternate_stack.flags & ss_disable) == 0 && rsp - self.alternate_stack.base - 1 < self.alternate_stack.size;
}

}  // namespace

bool push_signal_frame(Thread& self, Registers& registers, const SignalAction& action, const SignalInfo& info,
                       SignalSet return_mask) {
  if ((action.flags & SA_RESTORER) == 0) return false;
  UserAddr top = registers.rsp - red_zone;
  const bool switches = (action.flags & SA_ONSTACK) != 0 && (self.alternate_stack.flags & ss_disable) == 0 &&
                        !on_alternate_stack(self, registers.rsp);
  if (switches) top = self.alternate_stack.base + self.alternate_stack.size;
  const UserAddr fpu = align_down(top - port::fpu_state_size(), 64);
  const UserAddr at = align_down(fpu - sizeof(Frame), 16) - 8;
  if (switches && at < self.alternate_stack.base) return false;

  Frame frame{};
  frame.return_address = action.restorer;
  frame.context.flags = context_flags;
  frame.context.stack = self.alternate_stack;
  if (on_alternate_stack(self, registers.rsp)) frame.context.stack.flags |= ss_onstack;
  frame.context.machine = to_context(registers);
  frame.context.machine.fpu = fpu;
  frame.context.mask = return_mask;
  frame.info = info;
  if (!is_user_range(fpu, port::fpu_state_size()) || !port::save_fpu_to_user(fpu)) return false;
  if (!write_user(at, frame)) return false;

  registers.rsp = at;
  registers.rip = action.handler;
  registers.rdi = static_cast<uint64_t>(info.signo);
  registers.rsi = at + offsetof(Frame, info);
  registers.rdx = at + offsetof(Frame, context);
  registers.rax = 0;
  registers.rflags = interrupts_on;
  registers.number = no_call;
  port::reset_fpu();
  return true;
}

bool pop_signal_frame(Thread& self, Registers& registers) {
  Frame frame;
  if (!read_user(registers.rsp - sizeof(uint64_t), frame)) return false;
  const UserAddr fpu = frame.context.machine.fpu;
  if (fpu == 0) {
    port::reset_fpu();
  } else if (fpu % 64 != 0 || !is_user_range(fpu, port::fpu_state_size()) || !port::restore_fpu_from_user(fpu)) {
    return false;
  }
  from_context(registers, frame.context.machine);
  self.mask = frame.context.mask & ~unblockable;
  if (!on_alternate_stack(self, registers.rsp)) {
    self.alternate_stack = frame.context.stack;
    self.alternate_stack.flags &= ss_disable;
  }
  // What the old mask held back may be due now. Partner: the exchange in deliver_signals.
  __atomic_store_n(&self.attention, 1, __ATOMIC_RELEASE);
  return true;
}

}  // namespace hobbes::lwk
