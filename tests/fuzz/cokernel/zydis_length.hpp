// SPDX-License-Identifier: Apache-2.0
// What Zydis, the reference, says of an instruction's length.
#pragma once

#include <Zydis/Zydis.h>

#include <cstddef>
#include <cstdint>

namespace hobbes::fuzz {

/// Of the instruction at `code`, of which `available` bytes may be read; 0: it is none.
inline unsigned zydis_length(const std::uint8_t* code, std::size_t available) {
  static const ZydisDecoder decoder = [] {
    ZydisDecoder made;
    ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return made;
  }();
  ZydisDecodedInstruction instruction;
  const ZyanStatus status = ZydisDecoderDecodeInstruction(&decoder, nullptr, code, available, &instruction);
  return ZYAN_SUCCESS(status) ? instruction.length : 0;
}

}  // namespace hobbes::fuzz
