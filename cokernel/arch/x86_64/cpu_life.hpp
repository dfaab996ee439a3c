// SPDX-License-Identifier: Apache-2.0
// CPUs that come to the kernel and leave it (abi/x86_64.h).
#pragma once

#include "cokernel/arch/x86_64/cpu.hpp"

namespace hobbes::lwk::x86 {

/// The stacks and the place in the tables of what becomes a CPU. 0 or -ENOMEM. `idle_stack_top`: 0, one of its own.
[[nodiscard]] int prepare_cpu(Cpu& cpu, uint32_t number, const hobbes_boot_cpu& machine, uint64_t idle_stack_top);
/// A CPU that is draining, from its idle loop when nobody waits for it: no thread, no deadline, no lock.
[[noreturn]] void stop_running_cpu();

}  // namespace hobbes::lwk::x86
