// SPDX-License-Identifier: Apache-2.0
// Function starts out of an .eh_frame section (LSB Core, "Exception Frames"; DWARF 4, 6.4.1).
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::hosted {

/// Calls found(start) for each FDE of a section of `size` bytes at `bytes` that runs at `address`. Stops at what it does
/// not understand.
template <typename Found>
void for_each_function(const uint8_t* bytes, uint64_t size, uint64_t address, Found found);

/// How the CIE at `cie` has its FDEs encode addresses (DW_EH_PE_*); pe_omit: not understood.
[[nodiscard]] uint8_t fde_encoding(const uint8_t* cie, const uint8_t* end);
inline constexpr uint8_t pe_absolute8 = 0x00, pe_unsigned4 = 0x03, pe_signed4 = 0x0b, pe_relative = 0x10, pe_omit = 0xff;

template <typename T>
T load(const uint8_t* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof(value));
  return value;
}

template <typename Found>
void for_each_function(const uint8_t* bytes, uint64_t size, uint64_t address, Found found) {
  constexpr uint64_t head = 8;  // length, and the distance to the CIE
  uint64_t known_cie = size;
  uint8_t encoding = pe_omit;
  for (uint64_t at = 0; at + head <= size;) {
    const uint32_t length = load<uint32_t>(bytes + at);
    if (length < sizeof(uint32_t) || length > size - at - sizeof(uint32_t)) return;  // 0 ends the section
    const uint32_t back = load<uint32_t>(bytes + at + 4);
    const uint64_t next = at + sizeof(uint32_t) + length;
    if (back != 0 && back <= at + 4 && length >= 4 + sizeof(uint64_t)) {
      const uint64_t cie = at + 4 - back;
      if (cie != known_cie) {
        known_cie = cie;
        encoding = cie + head <= size ? fde_encoding(bytes + cie, bytes + size) : pe_omit;
      }
      const uint8_t* field = bytes + at + head;
      const uint64_t base = (encoding & pe_relative) != 0 ? address + at + head : 0;
      switch (encoding & ~pe_relative) {
        case pe_absolute8: found(base + load<uint64_t>(field)); break;
        case pe_unsigned4: found(base + load<uint32_t>(field)); break;
        case pe_signed4: found(base + static_cast<uint64_t>(static_cast<int64_t>(load<int32_t>(field)))); break;
        default: break;
      }
    }
    at = next;
  }
}

}  // namespace hobbes::lwk::hosted
