// SPDX-License-Identifier: Apache-2.0
// Inventory: PCI devices, from libpci (ids and names) and sysfs (driver, IOMMU group, NUMA node).
extern "C" {
#include <pci/pci.h>
}

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/parse.hpp"
#include "leviathan/inventory.hpp"

namespace hobbes::leviathan {
namespace {

namespace fs = std::filesystem;

constexpr const char* sysfs_devices = "/sys/bus/pci/devices";
constexpr std::size_t name_size = 256;
constexpr int class_code_shift = 8;  // libpci leaves the programming interface out

struct CleanUp {
  void operator()(pci_access* access) const { pci_cleanup(access); }
};
using Access = std::unique_ptr<pci_access, CleanUp>;

std::string link_target(const fs::path& link) {
  std::error_code missing;  // no driver, no group
  const fs::path target = fs::read_symlink(link, missing);
  return missing ? "" : target.filename().string();
}

std::int32_t number_in(const fs::path& file, std::int32_t otherwise) {
  std::ifstream stream(file);
  std::string text;
  if (!std::getline(stream, text)) return otherwise;
  const auto number = parse_i64(text, file.string(), INT32_MIN, INT32_MAX);
  return number ? static_cast<std::int32_t>(*number) : otherwise;
}

std::string vendor_name(pci_access* access, const pci_dev& device) {
  std::array<char, name_size> text{};
  return pci_lookup_name(access, text.data(), text.size(), PCI_LOOKUP_VENDOR, device.vendor_id);
}

std::string device_name(pci_access* access, const pci_dev& device) {
  std::array<char, name_size> text{};
  return pci_lookup_name(access, text.data(), text.size(), PCI_LOOKUP_DEVICE, device.vendor_id, device.device_id);
}

db::PciDevice describe(pci_access* access, pci_dev& device) {
  pci_fill_info(&device, PCI_FILL_IDENT | PCI_FILL_CLASS);
  db::PciDevice record;
  record.address = {static_cast<std::uint32_t>(device.domain), device.bus, device.dev, device.func};
  record.vendor_id = device.vendor_id;
  record.device_id = device.device_id;
  record.class_code = static_cast<std::uint32_t>(device.device_class) << class_code_shift;
  record.vendor_name = vendor_name(access, device);
  record.device_name = device_name(access, device);

  const fs::path sysfs = fs::path(sysfs_devices) / to_string(record.address);
  record.driver = driver_of(record.address);
  const std::string group = link_target(sysfs / "iommu_group");
  const auto group_number = parse_i64(group, "IOMMU group", 0, INT32_MAX);
  record.iommu_group = group_number ? static_cast<std::int32_t>(*group_number) : -1;
  record.numa = NumaId(number_in(sysfs / "numa_node", any_numa.value));
  return record;
}

}  // namespace

std::string driver_of(const db::PciAddress& device) {
  return link_target(fs::path(sysfs_devices) / to_string(device) / "driver");
}

std::vector<db::PciDevice> find_pci_devices() {
  // libpci ends the process when its access method does not work: it is asked only where this one does.
  std::error_code missing;
  if (fs::directory_iterator(sysfs_devices, missing) == fs::directory_iterator()) return {};
  const Access access(pci_alloc());
  access->method = PCI_ACCESS_SYS_BUS_PCI;
  pci_init(access.get());
  pci_scan_bus(access.get());
  std::vector<db::PciDevice> devices;
  for (pci_dev* device = access->devices; device != nullptr; device = device->next) {
    devices.push_back(describe(access.get(), *device));
  }
  return devices;
}

}  // namespace hobbes::leviathan
