// SPDX-License-Identifier: Apache-2.0
// Inputs of the .eh_frame reader's bounded run: sections as compilers make them, then spoilt.
#include <array>
#include <string_view>

#include "tests/fuzz/driver/driver.hpp"

namespace hobbes::fuzz {
namespace {

using namespace std::string_view_literals;

constexpr std::array augmentations = {""sv, "zR"sv, "zPLR"sv, "zRS"sv, "zPR"sv, "eh"sv, "zX"sv, "zL"sv};
constexpr std::array<std::uint8_t, 8> encodings = {0x00, 0x1b, 0x0b, 0x03, 0x10, 0x9b, 0x0c, 0xff};

/// A record around its body: length, then the distance to the CIE (0: it is one).
void add_record(Bytes& to, std::uint32_t back, Bytes body) {
  while (body.size() % 4 != 0) body.push_back(0);
  append(to, static_cast<std::uint32_t>(body.size() + sizeof(back)));
  append(to, back);
  to.insert(to.end(), body.begin(), body.end());
}

std::size_t add_cie(Bytes& to, Random& random) {
  const std::size_t at = to.size();
  const std::string_view augmentation = augmentations[random.below(augmentations.size())];
  Bytes body = {static_cast<std::uint8_t>(random.one_in(4) ? 3 : 1)};
  append(body, augmentation.data(), augmentation.size());
  body.insert(body.end(), {0, 1, 0x78, 16});  // end of the augmentation, alignment factors, return address register
  if (augmentation.starts_with("z")) body.push_back(1);
  for (const char letter : augmentation) {
    if (letter == 'P') body.insert(body.end(), {0x03, 0, 0, 0, 0});
    if (letter == 'L' || letter == 'R') body.push_back(encodings[random.below(encodings.size())]);
  }
  add_record(to, 0, body);
  return at;
}

}  // namespace

const int bounded_inputs = 50'000;

Bytes next_input(Random& random) {
  Bytes input;
  std::size_t cie = add_cie(input, random);
  for (std::uint64_t i = random.below(8); i > 0; --i) {
    if (random.one_in(4)) cie = add_cie(input, random);
    Bytes body;
    append(body, random.value());  // the function's start, as wide as the CIE says
    append(body, random.value());
    add_record(input, static_cast<std::uint32_t>(input.size() + 4 - cie), body);
  }
  if (!random.one_in(8)) append(input, std::uint32_t{0});
  if (!random.one_in(8)) mutate(input, random);
  return input;
}

}  // namespace hobbes::fuzz
