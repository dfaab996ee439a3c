// SPDX-License-Identifier: Apache-2.0
// The reservation: blocks of large pages, under the co-kernel's page allocator. It numbers them one after the other, as
// physical memory, from reserve_start.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.hpp"

namespace hobbes::hpmmap {

inline constexpr std::uint64_t reserve_start = std::uint64_t{1} << 32;

/// Takes the memfds first_fd .. first_fd + blocks - 1, of `block_size` bytes each, all zero. Once.
[[nodiscard]] Status open_reserve(int first_fd, std::size_t blocks, std::uint64_t block_size);

/// Where we have what the allocator numbers `physical`.
[[nodiscard]] std::byte* at(std::uint64_t physical);

struct Place {
  std::size_t block;
  std::uint64_t offset;
  std::uint64_t left;  ///< bytes from there to the block's end
};
[[nodiscard]] Place place_of(std::uint64_t physical);

}  // namespace hobbes::hpmmap
