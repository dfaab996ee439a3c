// SPDX-License-Identifier: Apache-2.0
// Registers: a thread's user-mode state at a kernel entry, in the layout both ports push it.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

struct Registers {
  uint64_t r15, r14, r13, r12, rbp, rbx;      // +0
  uint64_t r11, r10, r9, r8, rax, rcx;        // +48
  uint64_t rdx, rsi, rdi;                     // +96
  uint64_t number;                            // +120 system call, or no_call
  uint64_t rip, cs, rflags, rsp, ss;          // +128
};
static_assert(sizeof(Registers) == 168);

inline constexpr uint64_t no_call = ~0ull;

}  // namespace hobbes::lwk
