// SPDX-License-Identifier: Apache-2.0
// The tables of a section, in Markdown on stdout.
#pragma once

#include <string>
#include <vector>

#include "base/units.hpp"
#include "tests/bench/node/samples.hpp"
#include "tests/bench/results.hpp"

namespace hobbes::bench {

/// What a ratio has to be.
struct Target {
  enum class Side { none, at_most, at_least };  // none: told, not judged
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

/// What the median of a time has to be at most.
struct Limit {
  const Series& time;
  Nanoseconds bound;
};

/// The tables, and the same figures for whoever draws them.
class Report {
 public:
  void heading(const std::string& title);
  void times(const std::vector<Series>& all);
  /// The median of the rounds' own ratios decides: the two sides of a round ran one after the other, so a machine that is
  /// faster now and slower then changes both.
  void ratios(const std::vector<Ratio>& ratios);
  void limits(const std::vector<Limit>& limits);
  void note(const std::string& note);
  /// Points of curves: the same contestants at another size.
  void start_curves(const std::string& title);
  void points(Bytes size, const std::vector<Series>& all);

  [[nodiscard]] const Results& results() const { return results_; }

 private:
  Results results_{"node"};
};

}  // namespace hobbes::bench
