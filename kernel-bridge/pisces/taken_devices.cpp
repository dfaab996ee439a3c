// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/pisces/taken_devices.hpp"

#include <algorithm>

namespace hobbes::bridge {
namespace {

constexpr const char* our_driver = "pisces";

}  // namespace

Status TakenDevices::take(const std::string& device) const { return pci_.bind(device, our_driver); }

Status TakenDevices::give_back(const std::string& device) const {
  if (TRY(pci_.driver(device)) != our_driver) return {};
  return pci_.give_back(device, std::nullopt);
}

Status TakenDevices::give_back_all_but(const std::vector<std::string>& held) const {
  for (const std::string& device : pci_.devices_of(our_driver))
    if (std::ranges::count(held, device) == 0) TRY(pci_.give_back(device, std::nullopt));
  return {};
}

}  // namespace hobbes::bridge
