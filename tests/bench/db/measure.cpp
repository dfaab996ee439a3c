// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/db/measure.hpp"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>

namespace hobbes::bench {
using Clock = std::chrono::steady_clock;

Result<std::vector<Figures>> measure(const std::vector<Runner>& runners, std::size_t records, std::size_t rounds) {
  std::vector<std::size_t> order(records);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937(1));

  std::vector<std::vector<double>> samples(runners.size());
  const std::size_t warm_up = rounds / 10 + 1;
  for (std::size_t round = 0; round < rounds + warm_up; ++round) {
    for (std::size_t r = 0; r < runners.size(); ++r) {
      const Runner& runner = runners[r];
      bool right = true;
      const auto start = Clock::now();
      for (std::size_t i = 0; i < runner.batch; ++i) {
        right &= runner.action(order[(round * runner.batch + i) % records]);
      }
      const auto took = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
      if (!right) return Error(Code::corrupt, runner.name + ": a wrong answer");
      if (round >= warm_up) samples[r].push_back(took / static_cast<double>(runner.batch));
    }
  }
  std::vector<Figures> figures;
  for (std::size_t r = 0; r < runners.size(); ++r) {
    figures.push_back({runners[r].name, quantiles_of(std::move(samples[r]))});
  }
  return figures;
}

Status pin_to_last_cpu() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return last_errno("ask for the CPUs to use");
  int last = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) last = cpu;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  if (::sched_setaffinity(0, sizeof one, &one) != 0) return last_errno("stay on one CPU");
  return {};
}

}  // namespace hobbes::bench
