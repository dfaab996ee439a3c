// SPDX-License-Identifier: Apache-2.0
// Inputs of the decoder's bounded run: prefixes, an opcode of some map, and whatever follows.
#include <array>

#include "tests/fuzz/driver/driver.hpp"

namespace hobbes::fuzz {
namespace {

constexpr std::array<std::uint8_t, 14> prefixes = {0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x64, 0x65,
                                                   0xf0, 0x40, 0x48, 0x41, 0x4f, 0x49, 0x44};

void add_instruction(Bytes& to, Random& random) {
  for (std::uint64_t i = random.below(4); i > 0; --i) to.push_back(prefixes[random.below(prefixes.size())]);
  const auto any = [&] { return static_cast<std::uint8_t>(random.bits()); };
  switch (random.below(6)) {
    case 0: to.push_back(0x0f); break;
    case 1: to.insert(to.end(), {0x0f, static_cast<std::uint8_t>(random.one_in(2) ? 0x38 : 0x3a)}); break;
    case 2: to.insert(to.end(), {0xc5, any()}); break;
    case 3: to.insert(to.end(), {0xc4, any(), any()}); break;
    case 4: to.insert(to.end(), {0x62, any(), any(), any()}); break;
    default: break;
  }
  for (std::uint64_t i = 1 + random.below(12); i > 0; --i) to.push_back(any());
}

}  // namespace

const int bounded_inputs = 50'000;

Bytes next_input(Random& random) {
  Bytes input;
  for (std::uint64_t i = 1 + random.below(2); i > 0; --i) add_instruction(input, random);
  return input;
}

}  // namespace hobbes::fuzz
