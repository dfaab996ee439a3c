// SPDX-License-Identifier: Apache-2.0
// What Zydis, the reference, says of an instruction's length.
#pragma once

#include <Zydis/Zydis.h>

#include <cstddef>
#include <cstdint>

namespace hobbes::fuzz {

/// Of the instruction at `code`, of which `available` bytes may be read; 0: it is none.
inline bool zydis_decode(const std::uint8_t* code, std::size_t available, ZydisDecodedInstruction& instruction) {
  static const ZydisDecoder decoder = [] {
    ZydisDecoder made;
    ZydisDecoderInit(&made, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    return made;
  }();
  return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, nullptr, code, available, &instruction));
}

inline unsigned zydis_length(const std::uint8_t* code, std::size_t available) {
  ZydisDecodedInstruction instruction;
  return zydis_decode(code, available, instruction) ? instruction.length : 0;
}

}  // namespace hobbes::fuzz
