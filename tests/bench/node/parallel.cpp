// SPDX-License-Identifier: Apache-2.0
// Programs that use several CPUs: two processes that talk through pipes, STREAM, and conjugate gradients, both with
// OpenMP.
#include <cstdlib>

#include "tests/bench/node/report.hpp"
#include "tests/bench/node/run_once.hpp"
#include "tests/bench/node/sections.hpp"
#include "tests/bench/node/served.hpp"
#include "tests/bench/node/stream.hpp"

namespace hobbes::bench {
namespace {

constexpr std::uint64_t ball_games = 500;
constexpr const char* grid_size = "512";

Status compare_pipe(Node& node, Report& report, std::size_t rounds) {
  Served on_linux = TRY(Served::on_linux(node, {program("work"), "pipe-apart"}));
  Served inside = TRY(Served::in_enclave(node, {program("work"), "pipe-apart"}));
  const auto times = TRY(
      alternate({one_batch("enclave", inside, ball_games), one_batch("Linux", on_linux, ball_games)}, rounds));
  report.heading("a byte through pipes between processes on two CPUs, there and back");
  report.times(times);
  report.ratios({{"enclave / Linux", times[0], times[1], {Target::Side::at_most, 0.5}}});
  return {};
}

/// From its last line, "VERIFIED: 1234 iterations in 0.567 s, ...".
Result<Nanoseconds> time_to_solve(const std::string& output) {
  const std::size_t line = output.find("VERIFIED: ");
  const std::size_t in = line == std::string::npos ? line : output.find(" in ", line);
  if (in == std::string::npos) return Error(Code::corrupt, "conjugate-gradient: said '" + output + "'");
  return Nanoseconds(std::chrono::duration<double>(std::atof(output.c_str() + in + 4)));
}

Contestant solver(Node& node, Place place) {
  return {place == Place::enclave ? "enclave" : "Linux", [&node, place](Series& series) -> Status {
            const Ran ran = TRY(run_once(node, place, {program("conjugate_gradient"), grid_size}));
            series.add(TRY(time_to_solve(ran.output)));
            return {};
          }};
}

Status compare_solver(Node& node, Report& report, std::size_t rounds) {
  const auto times = TRY(alternate({solver(node, Place::enclave), solver(node, Place::on_linux)}, rounds));
  report.heading("conjugate gradients with OpenMP, a grid of 512 x 512 solved");
  report.times(times);
  report.ratios({{"speed in the enclave / on Linux", times[1], times[0], {Target::Side::at_least, 1}}});
  return {};
}

}  // namespace

Status measure_parallel(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node, stream_memory));
  const int count = node.cpus().enclave_count();
  report.note("Enclave and Linux on " + std::to_string(count) + " CPUs" +
              (node.cpus().are_shared() ? ", which the rest of the machine uses, too (--overcommit-cpus)." : "."));
  TRY(compare_pipe(node, report, rounds));
  TRY(compare_solver(node, report, rounds));
  return compare_stream(node, report, rounds, "STREAM, " + std::to_string(count) + " CPUs");
}

}  // namespace hobbes::bench
