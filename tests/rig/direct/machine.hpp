// SPDX-License-Identifier: Apache-2.0
// The empty machine the loader runs on: serial port, local APIC, CPUs.
#pragma once

#include <stdint.h>

namespace hobbes::direct {

void start_machine();
void write_serial(char byte);
/// %s, %u, %x, %d (64 bits each).
void say(const char* format, ...);
/// QEMU ends: 0 becomes its exit status 33, all else another odd one.
[[noreturn]] void leave(uint8_t status);

/// The vector at which the kernel rings.
inline constexpr uint32_t bell_vector = 0x40;
void send_interrupt(uint32_t apic_id, uint32_t vector);
/// INIT, then STARTUP at the trampoline.
void start_cpu(uint32_t apic_id);
void stop_cpu(uint32_t apic_id);
/// Sleeps until the bell rings, if `idle()` still holds with interrupts off.
template <typename Idle>
void sleep_while(Idle idle) {
  asm volatile("cli" : : : "memory");
  if (idle()) asm volatile("sti\n\thlt" : : : "memory");
  asm volatile("sti" : : : "memory");
}

}  // namespace hobbes::direct

extern "C" {
extern const char trampoline[], trampoline_end[];
extern uint64_t trampoline_cr3, trampoline_params, trampoline_kernel;
extern const char bell_entry[];
extern uint64_t bells_heard;
}
