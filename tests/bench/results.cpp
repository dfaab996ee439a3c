// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/results.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

namespace hobbes::bench {

Quantiles quantiles_of(std::vector<double> samples) {
  std::ranges::sort(samples);
  const auto at = [&](double share) {
    return samples[static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1))];
  };
  return {samples.front(), at(0.1), at(0.5), at(0.9), at(0.99)};
}

void Results::start_group(std::string title, std::string unit) {
  groups_.push_back({std::move(title), std::move(unit), {}});
}

void Results::add(std::string name, const Quantiles& values) {
  groups_.back().rows.push_back({std::move(name), std::nullopt, values});
}

void Results::add(std::string name, double x, const Quantiles& values) {
  groups_.back().rows.push_back({std::move(name), x, values});
}

Status Results::write(const std::filesystem::path& file) const {
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  for (const Group& group : groups_) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const auto& [name, x, values] : group.rows) {
      nlohmann::ordered_json row{{"name", name}};
      if (x) row["x"] = *x;
      row.update({{"least", values.least}, {"p10", values.p10}, {"median", values.median}, {"p90", values.p90},
                  {"p99", values.p99}});
      rows.push_back(std::move(row));
    }
    groups.push_back({{"title", group.title}, {"unit", group.unit}, {"rows", std::move(rows)}});
  }
  std::ofstream out(file);
  out << nlohmann::ordered_json{{"bench", bench_}, {"groups", std::move(groups)}}.dump(1) << '\n';
  if (!out.flush()) return Error(Code::io, "'" + file.string() + "': cannot be written");
  return {};
}

Result<std::optional<std::filesystem::path>> take_json_option(std::vector<std::string>& arguments) {
  const auto option = std::ranges::find(arguments, "--json");
  if (option == arguments.end()) return std::optional<std::filesystem::path>();
  if (option + 1 == arguments.end()) return Error(Code::invalid, "--json: a file is missing");
  std::optional<std::filesystem::path> file = *(option + 1);
  arguments.erase(option, option + 2);
  return file;
}

}  // namespace hobbes::bench
