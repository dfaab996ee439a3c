// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/samples.hpp"

#include <algorithm>
#include <cassert>

namespace hobbes::bench {
namespace {

double at_share(std::vector<double> samples, double share) {
  assert(!samples.empty());
  const auto at = samples.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), at, samples.end());
  return *at;
}

Status play(const Contestant& contestant, Series& series) {
  series.start_round();
  auto played = contestant.run(series);
  if (!played) return std::move(played).error().in(contestant.name);
  return {};
}

}  // namespace

Nanoseconds Series::round_median(std::size_t round) const { return Nanoseconds(at_share(rounds_[round], 0.5)); }

Nanoseconds Series::quantile(double share) const {
  std::vector<double> all;
  for (const auto& round : rounds_) all.insert(all.end(), round.begin(), round.end());
  return Nanoseconds(at_share(std::move(all), share));
}

Series sum(std::string name, const Series& a, const Series& b) {
  Series total(std::move(name));
  for (std::size_t round = 0; round < a.rounds(); ++round) {
    total.start_round();
    total.add(a.round_median(round) + b.round_median(round));
  }
  return total;
}

Result<std::vector<Series>> alternate(const std::vector<Contestant>& contestants, std::size_t rounds) {
  std::vector<Series> all;
  for (const Contestant& contestant : contestants) {
    all.emplace_back(contestant.name);
    Series warm_up(contestant.name);
    TRY(play(contestant, warm_up));
  }
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      const std::size_t turn = round % 2 == 0 ? i : contestants.size() - 1 - i;
      TRY(play(contestants[turn], all[turn]));
    }
  }
  return all;
}

}  // namespace hobbes::bench
