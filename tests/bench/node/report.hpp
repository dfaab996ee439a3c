// SPDX-License-Identifier: Apache-2.0
// The tables of a section, in Markdown on stdout.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/node/samples.hpp"

namespace hobbes::bench {

/// What a ratio has to be.
struct Target {
  enum class Side { at_most, at_least };
  Side side = Side::at_most;
  double bound = 1;
};

/// Times of `over` divided by times of `under`, compared with a target.
struct Ratio {
  std::string name;
  const Series& over;
  const Series& under;
  Target target;
};

void print_heading(const std::string& title);
void print_times(const std::vector<Series>& all);
/// The ratio of the medians decides; the spread is that of the rounds' own ratios.
void print_ratios(const std::vector<Ratio>& ratios);
void print_note(const std::string& note);

}  // namespace hobbes::bench
