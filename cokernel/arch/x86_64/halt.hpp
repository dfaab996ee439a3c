// SPDX-License-Identifier: Apache-2.0
// The end of the enclave.
#pragma once

#include "cokernel/kernel/registers.hpp"

namespace hobbes::lwk::x86 {

/// An exception of the kernel's own code: crash record, backtrace, halt.
[[noreturn]] void end_in_fault(const Registers& registers, uint32_t vector, uint64_t error);
/// All CPUs halt, the host hears of it.
[[noreturn]] void stop_enclave();
[[nodiscard]] uint32_t running_apic_id();

}  // namespace hobbes::lwk::x86
