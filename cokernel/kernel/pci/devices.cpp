// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/pci/devices.hpp"

#include "cokernel/kernel/pci/device.hpp"
#include "cokernel/kernel/pci/virtio_net.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::pci {
namespace {

constexpr Driver drivers[] = {
    {0x1af4, 0x1041, "virtio-net", run_virtio_net},
};

PciDevice devices[HOBBES_PCI_MAX_PLACES];

const Driver* driver_for(const PciDevice& device) {
  constexpr uint32_t vendor_id = 0, device_id = 2;
  for (const Driver& driver : drivers)
    if (driver.vendor == device.config_at<uint16_t>(vendor_id) && driver.device == device.config_at<uint16_t>(device_id))
      return &driver;
  return nullptr;
}

PciDevice* find(const char* name) {
  for (PciDevice& device : devices)
    if (device.state_now() != DeviceState::absent && strcmp(device.name, name) == 0) return &device;
  return nullptr;
}

int map_bars(PciDevice& device, const hobbes_pci_command& command) {
  for (uint32_t i = 0; i < HOBBES_PCI_MAX_BARS; ++i) {
    const hobbes_pci_bar& bar = command.bars[i];
    device.bars[i] = Registers();
    if (bar.size == 0) continue;
    void* const registers = port::map_device(device.place, bar.base, bar.size);
    if (registers == nullptr) return -ENOMEM;
    device.bars[i] = Registers(registers, bar.size);
  }
  return 0;
}

void drive(Thread& self) {
  for (PciDevice& device : devices) {
    if (device.thread != &self) continue;
    device.error = device.driver->run(device);
    device.thread = nullptr;
    device.move_to(DeviceState::ended);
  }
  exit_thread(0);
}

void wait_while(PciDevice& device, DeviceState state) {
  while (device.state_now() == state) port::wait(&device.state, static_cast<uint32_t>(state), never);
}

int start_driver(PciDevice& device) {
  device.thread = create_kernel_thread(drive);
  if (device.thread == nullptr) return -ENOMEM;
  if (const int error = port::start_thread(*device.thread); error != 0) {
    discard_thread(device.thread);
    device.thread = nullptr;
    return error;
  }
  wait_while(device, DeviceState::starting);
  return device.state_now() == DeviceState::serving ? 0 : device.error;
}

void forget(PciDevice& device) {
  port::unmap_device(device.place);
  device.move_to(DeviceState::absent);
}

bool is_name(const char (&name)[HOBBES_PCI_NAME_SIZE]) {
  return name[0] != '\0' && name[HOBBES_PCI_NAME_SIZE - 1] == '\0';
}

}  // namespace

int add_device(const hobbes_pci_command& command) {
  if (!is_name(command.name) || command.place >= HOBBES_PCI_MAX_PLACES) return -EINVAL;
  PciDevice& device = devices[command.place];
  if (device.state_now() != DeviceState::absent || find(command.name) != nullptr) return -EEXIST;
  copy_string(device.name, command.name, sizeof(device.name));
  memcpy(device.config, command.config, sizeof(device.config));
  device.place = command.place;
  device.forwarded = command.interrupts != HOBBES_PCI_MSIX;
  device.interrupts = &port::device_interrupts(command.place);
  device.leaving = 0;
  device.driver = driver_for(device);
  if (device.driver == nullptr) return -ENOSYS;
  device.move_to(DeviceState::starting);
  int error = map_bars(device, command);
  if (error == 0) error = start_driver(device);
  if (error != 0) forget(device);
  return error;
}

int remove_device(const hobbes_pci_ref& wanted) {
  if (!is_name(wanted.name)) return -EINVAL;
  PciDevice* const device = find(wanted.name);
  if (device == nullptr) return -ENOENT;
  __atomic_store_n(&device->leaving, 1, __ATOMIC_RELEASE);
  __atomic_add_fetch(device->interrupts, 1, __ATOMIC_RELEASE);
  port::wake(device->interrupts, 1);
  wait_while(*device, DeviceState::serving);
  forget(*device);
  print("%s: has left\n", device->name);
  return 0;
}

}  // namespace hobbes::lwk::pci
