// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the input is an .eh_frame section. The reader must stay inside of it, come to an end, and find the same
// functions every time.
#include "cokernel/arch/hosted/eh_frame.hpp"
#include "tests/fuzz/driver/driver.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  using namespace hobbes::lwk::hosted;
  constexpr std::uint64_t address = 0x401000, smallest_record = 16;
  const hobbes::fuzz::Bytes section(data, data + length);
  std::uint64_t count = 0, sum = 0, again = 0;
  for_each_function(section.data(), section.size(), address, [&](std::uint64_t start) {
    ++count;
    sum += start;
  });
  for_each_function(section.data(), section.size(), address, [&](std::uint64_t start) { again += start; });
  hobbes::fuzz::require(sum == again, "a second reading finds other functions");
  hobbes::fuzz::require(count <= length / smallest_record, "more functions than there is room for");
  return 0;
}
