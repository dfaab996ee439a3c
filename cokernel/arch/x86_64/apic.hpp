// SPDX-License-Identifier: Apache-2.0
// The local APIC (Intel SDM vol. 3, chapter 11), in the mode it was left in: registers in memory (xAPIC) or MSRs
// (x2APIC).
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::x86 {

/// Interrupt vectors. Those below 32 are exceptions; the doorbell's is in abi/x86_64.h.
enum Vector : uint32_t { vector_wake = 0xf1, vector_flush = 0xf2, vector_timer = 0xf3, vector_spurious = 0xff };

/// On the running CPU, which becomes ready for interrupts; the first one measures the timer.
void start_apic();
/// The running CPU takes no more interrupts.
void stop_apic();
void end_of_interrupt();

/// A fixed interrupt to a CPU.
void send_interrupt(uint32_t apic_id, uint32_t vector);
/// To all CPUs of the enclave but the running one: what they cannot refuse.
void send_nmi(uint32_t apic_id);

/// Where a device writes to interrupt a CPU: in the vicinity of the APIC's registers, wherever those are.
[[nodiscard]] uint64_t message_address(uint32_t apic_id);

/// One timer interrupt on the running CPU, when the time-stamp counter has this value; 0: none. Interrupts are off.
void set_timer(uint64_t ticks);

}  // namespace hobbes::lwk::x86
