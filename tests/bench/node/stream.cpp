// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/stream.hpp"

#include "tests/bench/node/report.hpp"
#include "tests/bench/node/served.hpp"

namespace hobbes::bench {
namespace {

constexpr const char* kernels[] = {"copy", "scale", "add", "triad"};
constexpr std::uint64_t passes = 4;  // in a sample

}  // namespace

Status compare_stream(Node& node, Report& report, std::size_t rounds, const std::string& title) {
  for (const std::string kernel : kernels) {
    Served on_linux = TRY(Served::on_linux(node, {program("stream"), kernel}));
    Served inside = TRY(Served::in_enclave(node, {program("stream"), kernel}));
    const auto times =
        TRY(alternate({one_batch("enclave", inside, passes), one_batch("Linux", on_linux, passes)}, rounds));
    report.heading(title + ": " + kernel + ", one pass over arrays of 64 MiB");
    report.times(times);
    report.ratios({{"speed in the enclave / on Linux", times[1], times[0], {Target::Side::at_least, 1}}});
  }
  return {};
}

}  // namespace hobbes::bench
