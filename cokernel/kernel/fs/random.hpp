// SPDX-License-Identifier: Apache-2.0
// Random bytes for keys: ChaCha20 (RFC 8439) with fast key erasure, seeded from the boot parameters.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::fs {

/// Mixes a seed into the generator. More than once is fine.
void start_random(const uint8_t* seed, size_t size);
/// Any thread.
void fill_random(void* to, size_t size);

/// One ChaCha20 block: 64 bytes from a key, a block counter and a nonce.
void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint32_t out[16]);

}  // namespace hobbes::lwk::fs
