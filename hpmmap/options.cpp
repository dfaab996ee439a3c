// SPDX-License-Identifier: Apache-2.0
#include "hpmmap/options.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <climits>

#include "base/parse.hpp"
#include "hpmmap/stub.hpp"

namespace hobbes::hpmmap {
namespace {

constexpr std::size_t numbers = 4;
constexpr std::uint64_t default_stack = 8 << 20;
constexpr std::uint64_t largest = std::uint64_t{1} << 46;

/// One without a limit is as large as most are.
std::uint64_t usual_stack() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return default_stack;
  return limit.rlim_cur;
}

}  // namespace

Result<Options> parse_options(std::span<char* const> words) {
  if (words.size() < numbers + 2) return Error(Code::invalid, "hobbes-hpmmap is started by leviathan (launch_app --hpmmap)");
  Options options;
  options.first_fd = static_cast<int>(TRY(parse_u64(words[0], "first descriptor", 0, INT_MAX)));
  options.blocks = TRY(parse_u64(words[1], "blocks", 1, max_blocks));
  options.block_size = TRY(parse_u64(words[2], "block size", 1, largest));
  options.stack_size = TRY(parse_u64(words[3], "stack size", 0, largest));
  if (options.stack_size == 0) options.stack_size = usual_stack();
  options.program = words[numbers];
  options.args.assign(words.begin() + numbers + 1, words.end());
  return options;
}

}  // namespace hobbes::hpmmap
