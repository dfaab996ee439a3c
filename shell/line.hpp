// SPDX-License-Identifier: Apache-2.0
// Lines of commands, as scripts have them and people type them at the prompt.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace hobbes::shell {

struct Shell;

/// The words of a line, quoted as descriptors' are (client::split_words). A word that begins with '#' begins a comment.
[[nodiscard]] Result<std::vector<std::string>> words_of_line(std::string_view line);

/// Whether a character behind `text` would begin a new word. False within quotes.
[[nodiscard]] bool at_word_start(std::string_view text);

/// Runs the command on the line, if there is one, and returns its exit status. What went wrong was said.
[[nodiscard]] int run_line(Shell& shell, std::string_view line);

}  // namespace hobbes::shell
