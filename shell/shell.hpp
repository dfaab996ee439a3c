// SPDX-License-Identifier: Apache-2.0
// Shell: what one run of `hobbes` shares with the command it runs, and the run itself.
#pragma once

#include <filesystem>
#include <ostream>
#include <span>

#include "base/result.hpp"
#include "leviathan/client/client.hpp"

namespace hobbes::shell {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

struct Shell {
  std::ostream& out;
  std::ostream& err;
  std::filesystem::path run_dir;  ///< empty: the client's default

  [[nodiscard]] Result<client::Client> connect() const;
};

/// Runs `hobbes words...` and returns its exit status. What a command itself reads or writes byte by byte (files, the
/// console, a program's stdio) goes to descriptors 0, 1 and 2.
[[nodiscard]] int run(std::span<const char* const> words, std::ostream& out, std::ostream& err);

}  // namespace hobbes::shell
