// SPDX-License-Identifier: Apache-2.0
// Inputs of the paths' bounded run: made of what paths are made of.
#include <array>
#include <string_view>

#include "tests/fuzz/driver/driver.hpp"

namespace hobbes::fuzz {
namespace {

constexpr std::array<std::string_view, 34> pieces = {
    "/", "/", "/", "..", ".", "//", "/proc", "/self", "/thread-self", "/1", "/fd", "/0", "/3", "/exe", "/cwd", "/root",
    "/maps", "/stat", "/sys", "/kernel/hostname", "/dev", "/stdin", "/fd/", "/shm", "/null", "/tty", "/enclave", "/link",
    "/link/..", "a", "999999999", "4294967297", "/meminfo", "/status"};

void add_path(Bytes& to, Random& random) {
  const std::size_t start = to.size();
  for (std::uint64_t i = random.below(8); i > 0; --i) {
    const std::string_view piece = pieces[random.below(pieces.size())];
    append(to, piece.data(), piece.size());
  }
  if (random.one_in(20))  // about the longest name, or the longest path
    to.resize(to.size() + (random.one_in(2) ? 250 + random.below(10) : 4085 + random.below(15)), 'x');
  if (random.one_in(10)) {
    Bytes path(to.begin() + static_cast<std::ptrdiff_t>(start), to.end());
    mutate(path, random);
    to.resize(start);
    to.insert(to.end(), path.begin(), path.end());
  }
  to.push_back(0);
}

}  // namespace

const int bounded_inputs = 4'000;

Bytes next_input(Random& random) {
  Bytes input;
  for (std::uint64_t i = 3 + random.below(4); i > 0; --i) add_path(input, random);
  return input;
}

}  // namespace hobbes::fuzz
