// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/x86_64/devices.hpp"

#include "cokernel/arch/x86_64/apic.hpp"
#include "cokernel/arch/x86_64/kernel_space.hpp"
#include "cokernel/kernel/port.hpp"
#include "kernel-bridge/abi/x86_64.h"

namespace hobbes::lwk {
namespace {

uint32_t counts[HOBBES_X86_MAX_DEVICES];  // of interrupts, atomic; each a word to sleep on

}  // namespace

/// One that comes late, when the device has left, advances a word that nobody waits for.
void x86::take_device_interrupt(uint32_t place) {
  // release: partner is the driver's acquire load before it looks at the device.
  __atomic_add_fetch(&counts[place], 1, __ATOMIC_RELEASE);
  port::wake(&counts[place], 1);
}

void* port::map_device(uint32_t place, PhysAddr base, uint64_t size) { return x86::map_registers(place, base, size); }
void port::unmap_device(uint32_t place) { x86::unmap_registers(place); }
uint32_t& port::device_interrupts(uint32_t place) { return counts[place]; }

port::DeviceMessage port::device_message(uint32_t place) {
  return {x86::message_address(boot_params().cpus[0].apic_id), HOBBES_X86_DEVICE_VECTOR + place};
}

}  // namespace hobbes::lwk
