// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/random.hpp"

#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint32_t key_words = 8, block_words = 16;
constexpr size_t block_size = block_words * sizeof(uint32_t);
constexpr size_t output_per_block = block_size - key_words * sizeof(uint32_t);

Mutex lock;
uint32_t key[key_words];  // under lock

constexpr uint32_t rotate(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

void quarter_round(uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d) {
  a += b; d = rotate(d ^ a, 16);
  c += d; b = rotate(b ^ c, 12);
  a += b; d = rotate(d ^ a, 8);
  c += d; b = rotate(b ^ c, 7);
}

/// Half of every block replaces the key at once (Bernstein, "Fast-key-erasure random-number generators", 2017), so that
/// who reads the state later cannot tell what was given out.
void next_block(uint32_t out[block_words]) {
  const uint64_t ticks = port::ticks();
  const uint32_t nonce[3] = {static_cast<uint32_t>(ticks), static_cast<uint32_t>(ticks >> 32), 0};
  chacha20_block(key, 0, nonce, out);
  memcpy(key, out, sizeof(key));
}

}  // namespace

void chacha20_block(const uint32_t key_in[8], uint32_t counter, const uint32_t nonce[3], uint32_t out[16]) {
  constexpr int double_rounds = 10;
  uint32_t start[block_words] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // "expand 32-byte k"
  memcpy(start + 4, key_in, key_words * sizeof(uint32_t));
  start[12] = counter;
  memcpy(start + 13, nonce, 3 * sizeof(uint32_t));
  memcpy(out, start, block_size);
  for (int i = 0; i < double_rounds; ++i) {
    for (int column = 0; column < 4; ++column)
      quarter_round(out[column], out[4 + column], out[8 + column], out[12 + column]);
    for (int column = 0; column < 4; ++column)
      quarter_round(out[column], out[4 + (column + 1) % 4], out[8 + (column + 2) % 4], out[12 + (column + 3) % 4]);
  }
  for (uint32_t i = 0; i < block_words; ++i) out[i] += start[i];
}

void start_random(const uint8_t* seed, size_t size) {
  Guard guard(lock);
  auto* bytes = reinterpret_cast<uint8_t*>(key);
  uint32_t block[block_words];
  for (size_t done = 0; done < size; done += sizeof(key)) {
    for (size_t i = 0; i < sizeof(key) && done + i < size; ++i) bytes[i] ^= seed[done + i];
    next_block(block);
  }
  memset(block, 0, sizeof(block));
}

void fill_random(void* to, size_t size) {
  auto* out = static_cast<char*>(to);
  uint32_t block[block_words];
  Guard guard(lock);
  while (size > 0) {
    next_block(block);
    const size_t step = min(size, output_per_block);
    memcpy(out, block + key_words, step);
    out += step;
    size -= step;
  }
  memset(block, 0, sizeof(block));
}

}  // namespace hobbes::lwk::fs
