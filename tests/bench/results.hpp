// SPDX-License-Identifier: Apache-2.0
// Results: what a benchmark measured, written as JSON for docs/performance/plot.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace hobbes::bench {

/// Of samples: the smallest, and those so many hundredths of the way up.
struct Quantiles {
  double least = 0, p10 = 0, median = 0, p90 = 0, p99 = 0;
};

/// REQUIRES: at least one sample.
[[nodiscard]] Quantiles quantiles_of(std::vector<double> samples);

class Results {
 public:
  explicit Results(std::string bench) : bench_(std::move(bench)) {}

  /// What rows are added to from now on; `unit` is that of their values.
  void start_group(std::string title, std::string unit);
  void add(std::string name, const Quantiles& values);
  /// One point of a curve: the value at `x`, which is a number of bytes.
  void add(std::string name, double x, const Quantiles& values);

  [[nodiscard]] Status write(const std::filesystem::path& file) const;

 private:
  struct Row {
    std::string name;
    std::optional<double> x;
    Quantiles values;
  };
  struct Group {
    std::string title, unit;
    std::vector<Row> rows;
  };

  std::string bench_;
  std::vector<Group> groups_;
};

/// The file after --json, which is taken out of the arguments; nothing: it was not given. Code::invalid: no file follows.
[[nodiscard]] Result<std::optional<std::filesystem::path>> take_json_option(std::vector<std::string>& arguments);

}  // namespace hobbes::bench
