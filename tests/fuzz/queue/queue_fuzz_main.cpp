// SPDX-License-Identifier: Apache-2.0
// A bounded, repeatable run of the queue's fuzz target: inputs from a fixed seed, mostly aimed at words that matter.
// With file names as arguments it runs those inputs instead (to look at what libFuzzer found).
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "kernel-bridge/abi/queue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length);

namespace {

constexpr int inputs = 100'000;
constexpr std::uint64_t object_size =
    sizeof(hobbes_queue_header) + 2 * (sizeof(hobbes_ring) + HOBBES_RING_MIN_SIZE);

class Inputs {
 public:
  std::vector<std::uint8_t> next() {
    std::vector<std::uint8_t> input;
    const std::uint64_t writes = 1 + random(12);
    for (std::uint64_t i = 0; i < writes; ++i) add_write(input);
    return input;
  }

 private:
  /// Of a byte in the queue object.
  std::uint64_t interesting_place() {
    const std::uint64_t ring = sizeof(hobbes_queue_header) + random(2) * (sizeof(hobbes_ring) + HOBBES_RING_MIN_SIZE);
    switch (random(4)) {
      case 0: return ring + random(4) * HOBBES_CACHE_LINE;                                      // a control word
      case 1: return ring + sizeof(hobbes_ring) + random(16) * HOBBES_FRAME_ALIGN + random(4) * 8;  // in a header
      case 2: return random(sizeof(hobbes_queue_header));
      default: return random(object_size);
    }
  }

  std::uint64_t interesting_value() {
    switch (random(4)) {
      case 0: return random(64) * HOBBES_FRAME_ALIGN;  // an index that could be
      case 1: return random(1024);                     // a length, a flag, an id
      case 2: return ~random(128);
      default: return engine_();
    }
  }

  void add_write(std::vector<std::uint8_t>& input) {
    const std::uint64_t place = interesting_place() / 8;
    const std::uint64_t value = interesting_value();
    input.insert(input.end(), {static_cast<std::uint8_t>(place), static_cast<std::uint8_t>(place >> 8), 8});
    for (int byte = 0; byte < 8; ++byte) input.push_back(static_cast<std::uint8_t>(value >> 8 * byte));
  }

  std::uint64_t random(std::uint64_t limit) { return engine_() % limit; }

  std::mt19937_64 engine_{2026};
};

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  Inputs generator;
  for (int i = 0; argc == 1 && i < inputs; ++i) {
    const std::vector<std::uint8_t> input = generator.next();
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return 0;
}
