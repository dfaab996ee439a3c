// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/x86_64/bells.hpp"

#include "cokernel/arch/x86_64/apic.hpp"
#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk {
namespace x86 {

void ring_host() {
  hobbes_boot_params& boot = boot_params();
  if (boot.size < offsetof(hobbes_boot_params, host_bell) + sizeof(hobbes_boot_bell)) return;
  constexpr uint64_t lowest_vector = 16, highest_vector = 255;  // others are no interrupts
  const uint64_t bell = __atomic_load_n(reinterpret_cast<uint64_t*>(&boot.host_bell), __ATOMIC_ACQUIRE);
  const uint64_t vector = bell >> 32;
  if (vector < lowest_vector || vector > highest_vector) return;
  send_interrupt(static_cast<uint32_t>(bell), static_cast<uint32_t>(vector));
}

}  // namespace x86

void port::ring_control_bell() { x86::ring_host(); }
void port::ring_console_bell() {}  // it comes with the wake-up of those who read the console

}  // namespace hobbes::lwk
