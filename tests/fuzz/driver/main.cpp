// SPDX-License-Identifier: Apache-2.0
// The bounded, repeatable run of a fuzz target (driver.hpp).
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/fuzz/driver/driver.hpp"

int main(int argc, char** argv) {
  constexpr std::uint64_t seed = 2026;
  constexpr int long_factor = 20;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  if (argc > 1) return 0;
  hobbes::fuzz::Random random(seed);
  int inputs = hobbes::fuzz::bounded_inputs * (std::getenv("HOBBES_LONG_TESTS") != nullptr ? long_factor : 1);
#if defined(__SANITIZE_THREAD__)
  constexpr int thread_divisor = 20;  // targets have one thread: slow, with little to find
  inputs /= thread_divisor;
#endif
  for (int i = 0; i < inputs; ++i) {
    const hobbes::fuzz::Bytes input = hobbes::fuzz::next_input(random);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return 0;
}
