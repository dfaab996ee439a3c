// SPDX-License-Identifier: Apache-2.0
// launch_app of a static program in the foreground, to its end.
#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"

namespace hobbes::bench {
namespace {

Contestant command(std::string name, std::vector<std::string> args) {
  return {std::move(name), [args = std::move(args)](Series& series) -> Status {
            series.add(TRY(time_to_run(args)));
            return {};
          }};
}

}  // namespace

Status measure_launch(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node));
  const OnCpus host(node.cpus().host);
  auto times = TRY(alternate(
      {command("hobbes launch_app of true", {node.hobbes(), "launch_app", MeasuredEnclave::name, "--", program("true")}),
       command("posix_spawn and wait of true", {program("true")}),
       command("hobbes --version", {node.hobbes(), "--version"})},
      rounds));
  times.push_back(sum("both parts of the floor", times[1], times[2]));
  report.heading("launch_app of a static program, foreground, to its end");
  report.times(times);
  report.ratios({{"launch_app / floor", times[0], times[3], {Target::Side::at_most, 3}}});
  return {};
}

}  // namespace hobbes::bench
