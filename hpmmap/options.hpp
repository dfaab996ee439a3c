// SPDX-License-Identifier: Apache-2.0
// hobbes-hpmmap FIRST_FD BLOCKS BLOCK_SIZE STACK_SIZE PROGRAM ARGS...: what leviathan starts a program with.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace hobbes::hpmmap {

struct Options {
  int first_fd = 0;  ///< of the reservation: memfds, one behind the other
  std::size_t blocks = 0;
  std::uint64_t block_size = 0;
  std::uint64_t stack_size = 0;  ///< 0: what RLIMIT_STACK says
  std::string program;
  std::vector<std::string> args;  ///< args[0] included
};

/// `words` without our own name.
[[nodiscard]] Result<Options> parse_options(std::span<char* const> words);

}  // namespace hobbes::hpmmap
