// SPDX-License-Identifier: Apache-2.0
// The addresses that a program's memory is put at where it does not say itself: far from all that Linux chooses.
#pragma once

#include <cstdint>

namespace hobbes::hpmmap {

inline constexpr std::uint64_t window_start = 0x2000'0000'0000;  ///< the heap begins here
inline constexpr std::uint64_t heap_limit = 0x0400'0000'0000;
inline constexpr std::uint64_t mappings_start = window_start + heap_limit;
inline constexpr std::uint64_t window_end = 0x4000'0000'0000;

}  // namespace hobbes::hpmmap
