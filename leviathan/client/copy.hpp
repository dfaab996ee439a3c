// SPDX-License-Identifier: Apache-2.0
// Copying between descriptors of any kind: files, pipes, terminals, sockets, blocking or not. Each function ends with
// errno EINTR when it would wait, or go on, while `interrupt_fd` (-1: none) is readable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace hobbes::client {

/// Writes all of it. `what` names the destination in the error.
[[nodiscard]] Status write_all(int fd, std::span<const std::byte> bytes, std::string_view what,
                               int interrupt_fd = -1);
/// Reads what there is, at most as much as fits; 0: the end.
[[nodiscard]] Result<std::size_t> read_some(int fd, std::span<std::byte> buffer, std::string_view what,
                                            int interrupt_fd = -1);

/// Copies everything that is left of `in` to `out`, within the kernel where that can do it. How many bytes that was.
[[nodiscard]] Result<std::uint64_t> copy_all(int in, int out, std::string_view what, int interrupt_fd = -1);

}  // namespace hobbes::client
