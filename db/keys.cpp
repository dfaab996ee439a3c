// SPDX-License-Identifier: Apache-2.0
#include "db/keys.hpp"

#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>

namespace hobbes::db {

std::string describe(const CpuKey& key) {
  std::string text = "CPU " + std::to_string(key.id.value);
  if (key.slot != 0) text += " slot " + std::to_string(key.slot);
  return text;
}

std::string describe(PhysAddr base) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "memory block 0x%" PRIx64, base.value);
  return text.data();
}

std::string describe(const PciAddress& address) { return "PCI device " + to_string(address); }

std::string to_string(const PciAddress& address) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04x:%02x:%02x.%x", address.domain, unsigned{address.bus},
                unsigned{address.device}, unsigned{address.function});
  return text.data();
}

Timestamp now() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return Timestamp(std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count());
}

}  // namespace hobbes::db
