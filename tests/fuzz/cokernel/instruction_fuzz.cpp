// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the input is machine code, perhaps cut off. The length decoder must stay inside of it, give the same
// answer however much follows, and never contradict Zydis.
#include <algorithm>

#include "cokernel/arch/hosted/instruction.hpp"
#include "tests/fuzz/cokernel/zydis_length.hpp"
#include "tests/fuzz/driver/driver.hpp"

using hobbes::fuzz::Bytes;
using hobbes::fuzz::require;
using hobbes::fuzz::zydis_length;
using hobbes::lwk::hosted::instruction_length;

namespace {

constexpr std::size_t longest = 15;

/// The length of what stands alone in memory of exactly that size.
unsigned length_of_copy(const std::uint8_t* code, std::size_t size) {
  const Bytes exact(code, code + size);
  return instruction_length(exact.data(), exact.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  for (std::size_t at = 0; at < length; ++at) {
    const std::size_t available = std::min(length - at, longest + 1);
    const unsigned ours = length_of_copy(data + at, available);
    require(ours <= std::min(available, longest), "an instruction ends behind what is there");
    if (ours == 0) continue;
    require(length_of_copy(data + at, ours) == ours, "a whole instruction has no length");
    require(length_of_copy(data + at, ours - 1) == 0, "a cut-off instruction has a length");
    const unsigned theirs = zydis_length(data + at, available);
    require(theirs == 0 || theirs == ours, "Zydis says another length");
  }
  return 0;
}
