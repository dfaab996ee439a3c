// SPDX-License-Identifier: Apache-2.0
// Messages that bring a descriptor.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::hosted {

inline constexpr uint64_t receive_at_once = 0x40;  ///< -EAGAIN where there is nothing (MSG_DONTWAIT)

/// One message of at most `size` bytes and the descriptor that came with it (-1: none). Its length, 0 when the peer has
/// gone, or -errno.
[[nodiscard]] int64_t receive_message(int socket, void* bytes, uint64_t size, uint64_t flags, int& descriptor);

}  // namespace hobbes::lwk::hosted
