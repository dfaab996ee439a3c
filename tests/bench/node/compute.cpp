// SPDX-License-Identifier: Apache-2.0
// What an enclave leaves a program that only computes.
#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"
#include "tests/bench/node/served.hpp"

namespace hobbes::bench {
namespace {

constexpr Bytes memory_for_triad = mib(384);  // three arrays of 64 MiB, and room for the two programs

struct Kernel {
  const char* name;
  std::uint64_t times;  // in a sample
};
constexpr Kernel kernels[] = {{"loop", 1}, {"triad", 4}};

}  // namespace

Status measure_compute(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node, memory_for_triad));
  for (const Kernel& kernel : kernels) {
    const std::string name = kernel.name;
    Served on_linux = TRY(Served::on_linux(node, {program("compute"), name}));
    Served inside = TRY(Served::in_enclave(node, {program("compute"), name}));
    const auto times = TRY(alternate(
        {one_batch("Linux", on_linux, kernel.times), one_batch("enclave", inside, kernel.times)}, rounds));
    report.heading("compute: " + name + ", one pass");
    report.times(times);
    report.ratios({{"speed in the enclave / on Linux", times[0], times[1], {Target::Side::at_least, 0.99}}});
  }
  return {};
}

}  // namespace hobbes::bench
