// SPDX-License-Identifier: Apache-2.0
// What an enclave leaves a program that only computes: a loop in registers, and STREAM on one CPU.
#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"
#include "tests/bench/node/served.hpp"
#include "tests/bench/node/stream.hpp"

namespace hobbes::bench {
namespace {

Status compare_loop(Node& node, Report& report, std::size_t rounds) {
  Served on_linux = TRY(Served::on_linux(node, {program("compute")}));
  Served inside = TRY(Served::in_enclave(node, {program("compute")}));
  const auto times = TRY(alternate({one_batch("Linux", on_linux, 1), one_batch("enclave", inside, 1)}, rounds));
  report.heading("compute: loop, one pass");
  report.times(times);
  report.ratios({{"speed in the enclave / on Linux", times[0], times[1], {Target::Side::at_least, 0.99}}});
  return {};
}

}  // namespace

Status measure_compute(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node, stream_memory));
  TRY(compare_loop(node, report, rounds));
  return compare_stream(node, report, rounds, "STREAM, one CPU");
}

}  // namespace hobbes::bench
