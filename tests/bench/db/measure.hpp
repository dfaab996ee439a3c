// SPDX-License-Identifier: Apache-2.0
// Interleaved measuring: in every round each runner does one batch, so that what disturbs the machine disturbs all.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "tests/bench/db/contestant.hpp"
#include "tests/bench/results.hpp"

namespace hobbes::bench {

struct Runner {
  std::string name;
  Action action;
  std::size_t batch = 32;  ///< actions between two looks at the clock; a sample is their mean
};

struct Figures {
  std::string name;
  Quantiles ns;
};

/// `records` is how many there are to choose from; the choice is the same pseudo-random one for all.
[[nodiscard]] Result<std::vector<Figures>> measure(const std::vector<Runner>& runners, std::size_t records,
                                                   std::size_t rounds);

/// Keeps this thread on the last CPU it may use; others get the rest.
Status pin_to_last_cpu();

}  // namespace hobbes::bench
