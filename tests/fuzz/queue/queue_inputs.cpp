// SPDX-License-Identifier: Apache-2.0
// Inputs of the queue's bounded run: mostly aimed at words that matter.
#include "kernel-bridge/abi/queue.h"
#include "tests/fuzz/driver/driver.hpp"

namespace hobbes::fuzz {
namespace {

constexpr std::uint64_t object_size =
    sizeof(hobbes_queue_header) + 2 * (sizeof(hobbes_ring) + HOBBES_RING_MIN_SIZE);

/// Of a byte in the queue object.
std::uint64_t interesting_place(Random& random) {
  const std::uint64_t ring =
      sizeof(hobbes_queue_header) + random.below(2) * (sizeof(hobbes_ring) + HOBBES_RING_MIN_SIZE);
  switch (random.below(4)) {
    case 0: return ring + random.below(4) * HOBBES_CACHE_LINE;  // a control word
    case 1:                                                     // in a header
      return ring + sizeof(hobbes_ring) + random.below(16) * HOBBES_FRAME_ALIGN + random.below(4) * 8;
    case 2: return random.below(sizeof(hobbes_queue_header));
    default: return random.below(object_size);
  }
}

std::uint64_t interesting_value(Random& random) {
  switch (random.below(4)) {
    case 0: return random.below(64) * HOBBES_FRAME_ALIGN;  // an index that could be
    case 1: return random.below(1024);                     // a length, a flag, an id
    case 2: return ~random.below(128);
    default: return random.bits();
  }
}

}  // namespace

const int bounded_inputs = 30'000;

Bytes next_input(Random& random) {
  Bytes input;
  const std::uint64_t writes = 1 + random.below(12);
  for (std::uint64_t i = 0; i < writes; ++i) {
    append(input, static_cast<std::uint16_t>(interesting_place(random) / 8));
    append(input, std::uint8_t{8});
    append(input, interesting_value(random));
  }
  return input;
}

}  // namespace hobbes::fuzz
