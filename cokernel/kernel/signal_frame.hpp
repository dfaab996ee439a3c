// SPDX-License-Identifier: Apache-2.0
// The frame a signal handler finds on its stack: Linux's struct rt_sigframe (arch/x86/include/asm/sigframe.h).
#pragma once

#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/registers.hpp"

namespace hobbes::lwk {

/// Saves the user state and points `registers` at the handler. False: the stack cannot take it.
[[nodiscard]] bool push_signal_frame(Thread& self, Registers& registers, const SignalAction& action,
                                     const SignalInfo& info, SignalSet return_mask);
/// Takes user state, mask and alternate stack from the frame that registers.rsp has just left. False: it is not there.
[[nodiscard]] bool pop_signal_frame(Thread& self, Registers& registers);

}  // namespace hobbes::lwk
