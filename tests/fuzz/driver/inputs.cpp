// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/driver/driver.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace hobbes::fuzz {

std::uint64_t Random::value() {
  switch (below(6)) {
    case 0: return below(64);
    case 1: return ~below(64);
    case 2: return (std::uint64_t{1} << below(64)) + below(5) - 2;
    case 3: return below(64) << 12;
    case 4: return below(std::uint64_t{1} << 32);
    default: return bits();
  }
}

namespace {

constexpr std::size_t longest_cut = 64;

void change(Bytes& input, Random& random) {
  const std::size_t at = random.below(input.size());
  switch (random.below(6)) {
    case 0: input[at] = static_cast<std::uint8_t>(input[at] ^ 1u << random.below(8)); break;
    case 1: input[at] = static_cast<std::uint8_t>(random.bits()); break;
    case 2: {
      const std::uint64_t value = random.value();
      const std::size_t aligned = random.one_in(4) ? at : at / 8 * 8;
      const std::size_t size = std::min(std::size_t{1} << random.below(4), input.size() - aligned);
      std::memcpy(input.data() + aligned, &value, size);
      break;
    }
    case 3: {
      const auto start = input.begin() + static_cast<std::ptrdiff_t>(at);
      input.erase(start, start + static_cast<std::ptrdiff_t>(std::min(random.below(longest_cut), input.size() - at)));
      break;
    }
    case 4: {
      const std::size_t from = random.below(input.size());
      const std::size_t end = std::min(from + random.below(longest_cut), input.size());
      const auto start = input.begin();
      const Bytes part(start + static_cast<std::ptrdiff_t>(from), start + static_cast<std::ptrdiff_t>(end));
      input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), part.begin(), part.end());
      break;
    }
    default: {
      const std::size_t from = random.below(input.size());
      const std::size_t size = std::min(random.below(longest_cut), input.size() - std::max(from, at));
      std::memmove(input.data() + at, input.data() + from, size);
      break;
    }
  }
}

}  // namespace

void mutate(Bytes& input, Random& random) {
  constexpr std::uint64_t most = 6;
  const std::uint64_t changes = 1 + random.below(most);
  for (std::uint64_t i = 0; i < changes && !input.empty(); ++i) change(input, random);
}

void fail(const char* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

}  // namespace hobbes::fuzz
