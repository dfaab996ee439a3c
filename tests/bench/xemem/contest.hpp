// SPDX-License-Identifier: Apache-2.0
// Contestants that take turns, and the tables and figures of what they needed.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/results.hpp"

namespace hobbes::bench {

using Clock = std::chrono::steady_clock;

struct Contestant {
  std::string name;
  std::function<double()> sample;  ///< nanoseconds
};

/// Every round gives each contestant one sample, the first round does not count. The medians are compared with the
/// first contestant's, the floor. Printed, and added to `results`, as points at `x` if that is not 0.
std::vector<Quantiles> contest(Results& results, const std::vector<Contestant>& contestants, int rounds, double x = 0);

/// The head of a table of contest().
void heading(const std::string& title);

/// Nanoseconds that `work` takes.
template <typename Work>
double time_of(Work work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

/// Ends the program, with errno, unless it is so.
void require(bool so, const char* what);

void bench_attach(Results& results);
void bench_signal(Results& results);
void bench_snapshot(Results& results);

}  // namespace hobbes::bench
