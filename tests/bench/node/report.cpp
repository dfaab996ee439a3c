// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/report.hpp"

#include <cstdio>

namespace hobbes::bench {
namespace {

constexpr double low_share = 0.1;
constexpr double high_share = 0.9;

/// Three or four digits that mean something, in the unit that suits.
std::string text_of(Nanoseconds time) {
  struct Unit {
    double ns;
    const char* name;
  };
  static constexpr Unit units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
  constexpr double fewest = 2;  // of a unit, before the next smaller one takes over
  std::size_t unit = 0;
  while (unit + 1 < std::size(units) && time.count() < fewest * units[unit].ns) ++unit;
  const double value = time.count() / units[unit].ns;
  char text[32];
  std::snprintf(text, sizeof text, value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit].name);
  return text;
}

std::string text_of(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, ratio < 0.1 ? "%.4f" : ratio < 100 ? "%.2f" : "%.0f", ratio);
  return text;
}

const char* met(bool is_met) { return is_met ? "met" : "**missed**"; }

/// The last two cells of a row.
std::string verdict(double ratio, const Target& target) {
  switch (target.side) {
    case Target::Side::none: return "|";
    case Target::Side::at_most: return "<= " + text_of(target.bound) + " | " + met(ratio <= target.bound);
    case Target::Side::at_least: return ">= " + text_of(target.bound) + " | " + met(ratio >= target.bound);
  }
  return {};
}

Series round_ratios(const Ratio& ratio) {
  Series ratios(ratio.name);
  for (std::size_t round = 0; round < ratio.over.rounds(); ++round) {
    ratios.start_round();
    ratios.add(Nanoseconds(ratio.over.round_median(round) / ratio.under.round_median(round)));
  }
  return ratios;
}

Quantiles quantiles_of(const Series& series) {
  const auto at = [&](double share) { return series.quantile(share).count(); };
  return {at(0), at(low_share), at(0.5), at(high_share), at(0.99)};
}

}  // namespace

void Report::heading(const std::string& title) {
  std::printf("\n### %s\n", title.c_str());
  results_.start_group(title, "ns");
}

void Report::times(const std::vector<Series>& all) {
  std::printf("\n| what | least | median | p99 | p10 to p90 |\n|---|---:|---:|---:|---:|\n");
  for (const Series& series : all) {
    std::printf("| %s |", series.name().c_str());
    for (const double share : {0.0, 0.5, 0.99}) std::printf(" %s |", text_of(series.quantile(share)).c_str());
    std::printf(" %s to %s |\n", text_of(series.quantile(low_share)).c_str(), text_of(series.quantile(high_share)).c_str());
    results_.add(series.name(), quantiles_of(series));
  }
  std::fflush(stdout);
}

void Report::ratios(const std::vector<Ratio>& ratios) {
  std::printf("\n| ratio | of a round, median | p10 to p90 | of all medians | target | |\n|---|---:|---:|---:|---:|---|\n");
  for (const Ratio& ratio : ratios) {
    const Series rounds = round_ratios(ratio);
    const auto round_at = [&](double share) { return rounds.quantile(share).count(); };
    std::printf("| %s | %s | %s to %s | %s | %s |\n", ratio.name.c_str(), text_of(round_at(0.5)).c_str(),
                text_of(round_at(low_share)).c_str(), text_of(round_at(high_share)).c_str(),
                text_of(ratio.over.quantile(0.5) / ratio.under.quantile(0.5)).c_str(),
                verdict(round_at(0.5), ratio.target).c_str());
  }
  std::fflush(stdout);
}

void Report::limits(const std::vector<Limit>& limits) {
  std::printf("\n| time | median | target | |\n|---|---:|---:|---|\n");
  for (const Limit& limit : limits) {
    const Nanoseconds median = limit.time.quantile(0.5);
    std::printf("| %s | %s | <= %s | %s |\n", limit.time.name().c_str(), text_of(median).c_str(),
                text_of(limit.bound).c_str(), met(median <= limit.bound));
  }
  std::fflush(stdout);
}

void Report::note(const std::string& note) {
  std::printf("\n%s\n", note.c_str());
  std::fflush(stdout);
}

void Report::start_curves(const std::string& title) {
  results_.start_group(title, "ns");
  std::printf("\n### %s\n\n| bytes | what | median | p99 |\n|---:|---|---:|---:|\n", title.c_str());
}

void Report::points(Bytes size, const std::vector<Series>& all) {
  for (const Series& series : all) {
    std::printf("| %llu | %s | %s | %s |\n", static_cast<unsigned long long>(size.value), series.name().c_str(),
                text_of(series.quantile(0.5)).c_str(), text_of(series.quantile(0.99)).c_str());
    results_.add(series.name(), static_cast<double>(size.value), quantiles_of(series));
  }
  std::fflush(stdout);
}

}  // namespace hobbes::bench
