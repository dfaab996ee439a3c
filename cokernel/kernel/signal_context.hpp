// SPDX-License-Identifier: Apache-2.0
// Linux's struct ucontext on x86-64, as signal frames hold it (arch/x86/include/uapi/asm/{ucontext,sigcontext}.h).
#pragma once

#include "cokernel/kernel/registers.hpp"
#include "cokernel/kernel/signal.hpp"

namespace hobbes::lwk {

struct MachineContext {  // struct sigcontext_64
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
  uint16_t cs, gs, fs, ss;
  uint64_t error, trap, old_mask, cr2, fpu, reserved[8];
};
static_assert(sizeof(MachineContext) == 256);

struct UserContext {  // struct ucontext
  uint64_t flags, link;
  AlternateStack stack;
  MachineContext machine;
  SignalSet mask;
};

inline constexpr uint16_t user_cs = 0x33, user_ss = 0x2b;

[[nodiscard]] MachineContext to_context(const Registers& registers);
/// All registers but the flags a program may not choose; `number` becomes no_call.
void from_context(Registers& registers, const MachineContext& context);

}  // namespace hobbes::lwk
