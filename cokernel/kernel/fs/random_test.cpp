// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/random.hpp"

#include "cokernel/kernel/fs/testing/kernel.hpp"

#include <catch2/catch.hpp>

#include <array>

namespace hobbes::lwk::fs {
namespace {

TEST_CASE("a ChaCha20 block is that of RFC 8439, 2.3.2", "[random]") {
  std::array<uint32_t, 8> key{};
  for (uint32_t i = 0; i < key.size(); ++i) key[i] = 0x03020100 + i * 0x04040404;
  const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
  std::array<uint32_t, 16> out{};
  chacha20_block(key.data(), 1, nonce, out.data());
  const std::array<uint32_t, 16> expected{0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033,
                                          0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                                          0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
  CHECK(out == expected);
}

TEST_CASE("random bytes do not repeat", "[random]") {
  testing::start_kernel();
  std::array<uint64_t, 32> first{}, second{};
  fill_random(first.data(), sizeof(first));
  fill_random(second.data(), sizeof(second));
  CHECK(first != second);
}

}  // namespace
}  // namespace hobbes::lwk::fs
