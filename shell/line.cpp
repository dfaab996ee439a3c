// SPDX-License-Identifier: Apache-2.0
#include "shell/line.hpp"

#include "leviathan/client/words.hpp"
#include "shell/shell.hpp"

namespace hobbes::shell {
namespace {

constexpr std::string_view what = "the line";

std::string_view without_comment(std::string_view line) {
  for (auto at = line.find('#'); at != line.npos; at = line.find('#', at + 1))
    if (at_word_start(line.substr(0, at))) return line.substr(0, at);
  return line;
}

}  // namespace

bool at_word_start(std::string_view text) {
  const auto before = client::split_words(text, what);
  const auto with_more = client::split_words(std::string(text) + "x", what);
  return before && with_more && with_more->size() > before->size();
}

Result<std::vector<std::string>> words_of_line(std::string_view line) {
  return client::split_words(without_comment(line), what);
}

int run_line(Shell& shell, std::string_view line) {
  const auto words = words_of_line(line);
  if (!words) {
    shell.complain(words.error().text());
    return exit_usage;
  }
  return words->empty() ? exit_done : run_command(shell, *words);
}

}  // namespace hobbes::shell
