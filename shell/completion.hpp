// SPDX-License-Identifier: Apache-2.0
// Completion: what could be typed at the prompt, from the command table and the names of what there is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hobbes::shell {

struct Shell;

struct Completion {
  std::string typed;                    ///< of the word at the cursor, without its quoting
  std::vector<std::string> candidates;  ///< whole words that begin so, sorted; a directory ends in '/'

  /// What all candidates have behind `typed`, quoted for the line; of a single one that is no directory, a blank too.
  [[nodiscard]] std::string insertion() const;
};

/// `line` is the line up to the cursor. Nothing is offered within quotes, and no names while the database cannot be read.
[[nodiscard]] Completion complete(Shell& shell, std::string_view line);

}  // namespace hobbes::shell
