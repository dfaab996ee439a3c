// SPDX-License-Identifier: Apache-2.0
// The page that every program gets, with code that it executes for us (stub.S) and the paths under which it can open the
// blocks of its reservation: it holds no descriptor of them, so it can neither close one nor hand it on.
#pragma once

#include <cstdint>
#include <vector>

#include "hpmmap/window.hpp"

namespace hobbes::hpmmap {

inline constexpr std::uint64_t stub_address = window_start - 0x10000;
inline constexpr std::uint64_t stub_size = 0x4000;
/// Calls below this offset are let through by the filter.
inline constexpr std::uint64_t stub_calls_end = 128;
inline constexpr std::uint64_t stub_paths = 0x1000;
inline constexpr std::uint64_t stub_path_size = 64;
inline constexpr std::size_t max_blocks = (stub_size - stub_paths) / stub_path_size;

[[nodiscard]] std::uint64_t stub_map_address();
[[nodiscard]] constexpr std::uint64_t stub_path_address(std::size_t block) {
  return stub_address + stub_paths + block * stub_path_size;
}
/// The page's content; block i of the reservation is our descriptor first_fd + i.
[[nodiscard]] std::vector<char> stub_image(int first_fd, std::size_t blocks);

}  // namespace hobbes::hpmmap
