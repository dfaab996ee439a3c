// SPDX-License-Identifier: Apache-2.0
// A driver takes only devices whose ids it knows: driver_override makes this one device an exception, and is emptied
// again when the device goes back.
#include "kernel-bridge/linux/linux_pci.hpp"

#include <regex>

#include "base/log.hpp"

namespace hobbes::bridge {
namespace {

namespace fs = std::filesystem;

const fs::path bus = "sys/bus/pci";

bool is_name(std::string_view device) {
  static const std::regex shape("[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]");
  return std::regex_match(device.begin(), device.end(), shape);
}

}  // namespace

Result<fs::path> LinuxPci::directory_of(std::string_view device) const {
  if (!is_name(device))
    return Error(Code::invalid, "PCI device '" + std::string(device) + "': not a name like 0000:00:1f.2");
  fs::path directory = bus / "devices" / device;
  if (!files_.exists(directory)) return Error(Code::not_found, "PCI device " + std::string(device) + ": there is none");
  return directory;
}

Result<std::optional<std::string>> LinuxPci::driver(std::string_view device) const {
  return files_.link_name(TRY(directory_of(device)) / "driver");
}

Result<std::optional<std::string>> LinuxPci::take(std::string_view device) const {
  auto before = TRY(driver(device));
  if (!before) return before;
  if (auto unbound = files_.write(bus / "drivers" / *before / "unbind", device); !unbound)
    return std::move(unbound).error().in("PCI device " + std::string(device) + ": " + *before + " does not let go");
  return before;
}

Status LinuxPci::attach(std::string_view device, std::string_view driver) const {
  const fs::path override_file = TRY(directory_of(device)) / "driver_override";
  TRY(files_.write(override_file, std::string(driver) + "\n"));
  if (auto probed = files_.write(bus / "drivers_probe", device); !probed)
    return std::move(probed).error().in("PCI device " + std::string(device) + ": " + std::string(driver));
  if (const auto now = TRY(this->driver(device)); now != std::string(driver))
    return Error(Code::unavailable, "PCI device " + std::string(device) + ": " + std::string(driver) +
                                        " does not take it: is the driver loaded?");
  return {};
}

Status LinuxPci::bind(std::string_view device, std::string_view driver) const {
  const auto before = TRY(take(device));
  Status bound = attach(device, driver);
  if (bound) return {};
  if (const Status back = give_back(device, before); !back) log::warning(back.error().text());
  return bound;
}

std::vector<std::string> LinuxPci::devices_of(std::string_view driver) const {
  std::vector<std::string> devices = files_.names(bus / "drivers" / driver);
  std::erase_if(devices, [](const std::string& name) { return !is_name(name); });  // "bind", "module"
  return devices;
}

Status LinuxPci::give_back(std::string_view device, const std::optional<std::string>& driver) const {
  const fs::path directory = TRY(directory_of(device));
  if (driver && TRY(this->driver(device)) == driver) return {};
  TRY(take(device));
  TRY(files_.write(directory / "driver_override", "\n"));
  if (!driver) return files_.write(bus / "drivers_probe", device);
  if (auto bound = files_.write(bus / "drivers" / *driver / "bind", device); !bound)
    return std::move(bound).error().in("PCI device " + std::string(device) + ": " + *driver + " does not take it back");
  return {};
}

}  // namespace hobbes::bridge
