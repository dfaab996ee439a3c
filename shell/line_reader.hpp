// SPDX-License-Identifier: Apache-2.0
// LineReader: a script's lines, one after the other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace hobbes::shell {

class LineReader {
 public:
  /// `fd` is borrowed. Takes from it no more than the lines it hands out: the rest is for the commands, as in a shell.
  LineReader(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  static constexpr std::size_t max_length = std::size_t{1} << 20;

  /// Without its newline; empty: there are no more. The last line needs no newline.
  [[nodiscard]] Result<std::optional<std::string>> next();

 private:
  int fd_;
  std::string name_;
};

}  // namespace hobbes::shell
