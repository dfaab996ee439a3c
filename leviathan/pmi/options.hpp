// SPDX-License-Identifier: Apache-2.0
// The command line of hobbes-pmi, as a struct: written by leviathan, parsed by the server.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"

namespace hobbes::leviathan::pmi {

struct Options {
  std::filesystem::path run_dir;
  AppId app;                         ///< whose job it is
  std::vector<std::uint32_t> parts;  ///< how many ranks on each of its systems
};

/// The ranks' sockets are its descriptors from here on, in the order of their numbers.
inline constexpr int first_rank_fd = 3;

[[nodiscard]] Result<Options> parse_options(const std::vector<std::string>& arguments);
/// The inverse: the arguments (without the program's name) that say `options`.
[[nodiscard]] std::vector<std::string> to_arguments(const Options& options);

}  // namespace hobbes::leviathan::pmi
