// SPDX-License-Identifier: Apache-2.0
// Lengths of x86-64 instructions, for proving where one begins.
//
// Tables after the Intel SDM, vol. 2, appendix A. Debian has Zydis only as a shared library, which a freestanding kernel
// cannot link; instruction_test.cpp holds this decoder against Zydis over whole system libraries instead.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::hosted {

/// The length of the instruction at `code`, of which at most `available` bytes may be read. 0: unknown, or cut off.
[[nodiscard]] uint32_t instruction_length(const uint8_t* code, uint64_t available);

}  // namespace hobbes::lwk::hosted
