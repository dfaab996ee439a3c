// SPDX-License-Identifier: Apache-2.0
// x86-64 instructions: their lengths, for proving where one begins, and which of them may be moved.
//
// Tables after the Intel SDM, vol. 2, appendix A. Debian has Zydis only as a shared library, which a freestanding kernel
// cannot link; instruction_test.cpp holds this decoder against Zydis over whole system libraries instead.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::hosted {

/// The length of the instruction at `code`, of which at most `available` bytes may be read. 0: unknown, or cut off.
[[nodiscard]] uint32_t instruction_length(const uint8_t* code, uint64_t available);

enum class Kind : uint8_t {
  movable,   ///< does the same elsewhere, if a distance in it is made good, and goes on behind itself
  other,
  branch,    ///< direct, and may go on behind itself: Jcc, LOOP, CALL
  jump,      ///< direct JMP
  indirect,  ///< indirect JMP: may go anywhere
  end,       ///< RET and its like: goes elsewhere
  filler,    ///< NOP, INT3: between functions, and before what is aligned
};
struct Instruction {
  uint32_t length = 0;  ///< 0: unknown, or cut off
  Kind kind = Kind::other;
  int32_t distance = 0;  ///< of branch and jump: from the instruction's end
  uint32_t relative_at = 0;  ///< of movable: where its 32-bit distance to what it works on is; 0: it has none
};
/// The same, and what it does to the way of control. What is not known for certain is `other`.
[[nodiscard]] Instruction decode(const uint8_t* code, uint64_t available);

}  // namespace hobbes::lwk::hosted
