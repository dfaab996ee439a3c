// SPDX-License-Identifier: Apache-2.0
// Inputs of the bounded run: requests of the right form, some then spoilt.
#include <string>

#include "kernel-bridge/abi/xemem.h"
#include "leviathan/protocol/segment_messages.hpp"
#include "tests/fuzz/driver/driver.hpp"

namespace hobbes::fuzz {
namespace {

constexpr std::uint64_t page = 4096;

Bytes request(Random& random) {
  hobbes_xemem_request head{};
  head.version = random.one_in(16) ? static_cast<std::uint32_t>(random.value()) : HOBBES_XEMEM_VERSION;
  head.op = static_cast<std::uint32_t>(random.below(10));
  head.request_id = random.value();
  head.segment = random.value();
  head.offset = random.one_in(4) ? random.value() : random.below(16) * page;
  head.size = random.one_in(4) ? random.value() : (1 + random.below(16)) * page;
  head.name_size = static_cast<std::uint32_t>(random.below(80));
  head.extent_count = static_cast<std::uint32_t>(random.one_in(16) ? random.value() : random.below(9));
  Bytes input;
  append(input, head);
  input.resize(input.size() + (head.name_size + 7) / 8 * 8, 'n');
  for (std::uint32_t i = 0; i < head.extent_count && i < 9; ++i) {
    append(input, hobbes_xemem_extent{random.one_in(8) ? random.value() : (1 + random.below(1000)) * page,
                                      random.one_in(8) ? random.value() : (1 + random.below(8)) * page});
  }
  return input;
}

Bytes message(Random& random) {
  protocol::SegmentMake make;
  make.segment_name = std::string(random.below(100), 'n');
  make.files = static_cast<std::uint32_t>(random.below(4));
  for (std::uint64_t i = random.below(6); i > 0; --i)
    make.pieces.push_back({static_cast<std::uint32_t>(random.below(4)), random.value(), random.value()});
  const auto bytes = protocol::encode(make);
  Bytes input;
  append(input, bytes.data(), bytes.size());
  return input;
}

}  // namespace

const int bounded_inputs = 20'000;

Bytes next_input(Random& random) {
  Bytes input = random.one_in(3) ? message(random) : request(random);
  if (random.one_in(2)) mutate(input, random);
  return input;
}

}  // namespace hobbes::fuzz
