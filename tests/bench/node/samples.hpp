// SPDX-License-Identifier: Apache-2.0
// Samples of contestants that take turns, and what can be said about them.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace hobbes::bench {

using Nanoseconds = std::chrono::duration<double, std::nano>;

/// What one contestant measured, round by round. REQUIRES of all that ask: at least one sample a round.
class Series {
 public:
  explicit Series(std::string name) : name_(std::move(name)) {}

  void start_round() { rounds_.emplace_back(); }
  /// A sample of the round that was started last.
  void add(Nanoseconds sample) { rounds_.back().push_back(sample.count()); }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t rounds() const { return rounds_.size(); }
  [[nodiscard]] Nanoseconds round_median(std::size_t round) const;
  /// Of all samples, the one at `share` of the way up: 0.5 is the median.
  [[nodiscard]] Nanoseconds quantile(double share) const;

 private:
  std::string name_;
  std::vector<std::vector<double>> rounds_;
};

/// One part after the other: the sum of the rounds' medians. Both have the same rounds.
[[nodiscard]] Series sum(std::string name, const Series& a, const Series& b);

struct Contestant {
  std::string name;
  std::function<Status(Series&)> run;  ///< one round: adds its samples
};

/// `rounds` rounds in which each contestant has its turn, forwards and backwards alternately, so that what disturbs the
/// machine disturbs all of them; before that a round that does not count. A contestant's error ends it.
[[nodiscard]] Result<std::vector<Series>> alternate(const std::vector<Contestant>& contestants, std::size_t rounds);

}  // namespace hobbes::bench
