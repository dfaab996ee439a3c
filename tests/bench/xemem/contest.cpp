// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/xemem/contest.hpp"

#include <cstdio>
#include <cstdlib>

namespace hobbes::bench {

std::vector<Quantiles> contest(Results& results, const std::vector<Contestant>& contestants, int rounds, double x) {
  std::vector<std::vector<double>> samples(contestants.size());
  for (int round = 0; round <= rounds; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      const std::size_t turn = round % 2 == 0 ? i : contestants.size() - 1 - i;
      const double sample = contestants[turn].sample();
      if (round > 0) samples[turn].push_back(sample);
    }
  }
  std::vector<Quantiles> all;
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    all.push_back(quantiles_of(samples[i]));
    const Quantiles& q = all.back();
    std::printf("| %s | %.3f | %.3f | %.3f | %.2f |\n", contestants[i].name.c_str(), q.median / 1e3, q.p10 / 1e3,
                q.p90 / 1e3, q.median / all[0].median);
    if (x == 0) results.add(contestants[i].name, q);
    else results.add(contestants[i].name, x, q);
  }
  std::fflush(stdout);
  return all;
}

void heading(const std::string& title) {
  std::printf("\n### %s\n\n| | median us | p10 | p90 | of the floor |\n|---|---|---|---|---|\n", title.c_str());
}

void require(bool so, const char* what) {
  if (so) return;
  std::perror(what);
  std::exit(1);
}

}  // namespace hobbes::bench
