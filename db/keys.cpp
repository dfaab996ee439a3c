// SPDX-License-Identifier: Apache-2.0
#include "db/keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <optional>

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

Result<PciAddress> parse_pci_address(std::string_view text) {
  const Error refusal(Code::invalid, "PCI device '" + std::string(text) + "': not an address like 00:1f.2 or 0000:00:1f.2");
  std::string_view rest = text;
  // Hexadecimal digits up to `end`, or to the end of the text.
  const auto part = [&](std::string_view end, std::uint32_t most) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    const auto [stop, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), value, 16);
    rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
    if (failure != std::errc() || value > most || !rest.starts_with(end) || (end.empty() && !rest.empty())) return {};
    rest.remove_prefix(end.size());
    return value;
  };
  const bool has_domain = std::ranges::count(text, ':') == 2;
  const auto domain = has_domain ? part(":", UINT32_MAX) : std::optional<std::uint32_t>(0);
  const auto bus = domain ? part(":", 0xff) : std::nullopt;
  const auto device = bus ? part(".", 0x1f) : std::nullopt;
  const auto function = device ? part("", 7) : std::nullopt;
  if (!function) return refusal;
  return PciAddress{*domain, static_cast<std::uint8_t>(*bus), static_cast<std::uint8_t>(*device),
                    static_cast<std::uint8_t>(*function)};
}

Timestamp now() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return Timestamp(std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count());
}

}  // namespace hobbes::db
