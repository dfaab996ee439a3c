// SPDX-License-Identifier: Apache-2.0
// Offsets and bits: PCI Local Bus Specification 3.0, chapter 6.
#include "cokernel/kernel/pci/device.hpp"

#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk::pci {
namespace {

constexpr uint32_t first_capability = 0x34, most_capabilities = 48;
constexpr uint8_t capability_msix = 0x11;
constexpr uint32_t msix_table = 4, table_bar_mask = 7;
enum MsixEntry : uint32_t { entry_address = 0, entry_data = 8, entry_control = 12, entry_size = 16 };

}  // namespace

void PciDevice::move_to(DeviceState next) {
  __atomic_store_n(&state, static_cast<uint32_t>(next), __ATOMIC_RELEASE);
  port::wake(&state, INT32_MAX);
}

uint32_t PciDevice::find_capability(uint8_t id, uint32_t after) const {
  constexpr uint8_t alignment = 4;
  uint32_t at = config_at<uint8_t>(after == 0 ? first_capability : after + 1);
  for (uint32_t seen = 0; at != 0 && seen < most_capabilities; ++seen) {
    at = static_cast<uint32_t>(align_down(at, alignment));
    if (config_at<uint8_t>(at) == id) return at;
    at = config_at<uint8_t>(at + 1);
  }
  return 0;
}

bool PciDevice::connect_interrupts() const {
  if (forwarded) return true;
  const uint32_t capability = find_capability(capability_msix);
  if (capability == 0) return false;
  const auto where = config_at<uint32_t>(capability + msix_table);
  const uint32_t bar = where & table_bar_mask;
  if (bar >= HOBBES_PCI_MAX_BARS) return false;
  const Registers entry = bars[bar].part(where & ~table_bar_mask, entry_size);
  if (!entry) return false;
  const port::DeviceMessage message = port::device_message(place);
  entry.write(entry_address, static_cast<uint32_t>(message.address));
  entry.write(entry_address + 4, static_cast<uint32_t>(message.address >> 32));
  entry.write(entry_data, message.data);
  entry.write(entry_control, uint32_t{0});  // not masked
  return true;
}

void PciDevice::acknowledge() const {
  if (!forwarded) return;
  // release: the device was served before; partner is the host's exchange when it hears the bell.
  __atomic_fetch_or(&boot_params().served_devices, 1ull << place, __ATOMIC_RELEASE);
  port::ring_control_bell();
}

}  // namespace hobbes::lwk::pci
