// SPDX-License-Identifier: Apache-2.0
#include "shell/suggest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace hobbes::shell {
namespace {

constexpr std::size_t longest_word = 64;  // anything longer is not a typing mistake

/// Levenshtein's distance: single characters inserted, removed or replaced.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

const Command* nearest(std::string_view word, std::span<const Command> commands) {
  if (word.size() > longest_word) return nullptr;
  const Command* best = nullptr;
  std::size_t best_distance = word.size() / 3 + 2;  // further away is a guess
  for (const Command& command : commands) {
    const std::size_t distance = edit_distance(word, command.name);
    if (distance >= best_distance) continue;
    best = &command;
    best_distance = distance;
  }
  return best;
}

}  // namespace hobbes::shell
