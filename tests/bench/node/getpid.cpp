// SPDX-License-Identifier: Apache-2.0
// The price of a system call that the co-kernel serves itself.
#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"
#include "tests/bench/node/served.hpp"

namespace hobbes::bench {
namespace {

// So many calls that a batch takes some milliseconds.
constexpr std::uint64_t rewritten_batch = 200'000;
constexpr std::uint64_t patched_batch = 200'000;
constexpr std::uint64_t linux_batch = 20'000;
constexpr std::uint64_t trap_batch = 1'000;

// Where a call enters the nops of the patched program: at its number, and behind nearly all of them.
constexpr const char* number_of_getpid = "39";
constexpr const char* last_number = "511";

}  // namespace

Status measure_getpid(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node));
  const std::string calls = program("calls");
  Served rewritten = TRY(Served::in_enclave(node, {calls}));
  Served trapped = TRY(Served::in_enclave(node, {calls}, false));
  Served on_linux = TRY(Served::on_linux(node, {calls}));
  Served patched = TRY(Served::on_linux(node, {program("patched_call"), number_of_getpid}));
  Served patched_late = TRY(Served::on_linux(node, {program("patched_call"), last_number}));
  const auto times = TRY(alternate({one_batch("enclave, rewritten site", rewritten, rewritten_batch),
                                    one_batch("enclave, --no-rewrite: the trap", trapped, trap_batch),
                                    one_batch("Linux", on_linux, linux_batch),
                                    one_batch("zpoline's call *%rax, through 473 nops", patched, patched_batch),
                                    one_batch("zpoline's call *%rax, through one nop", patched_late, patched_batch)},
                                   rounds));
  report.heading("getpid, one call (samples are means of a batch)");
  report.times(times);
  report.ratios({{"rewritten / Linux", times[0], times[2], {Target::Side::at_most, 1.0 / 8}},
                 {"rewritten / zpoline's", times[0], times[3], {Target::Side::at_most, 1}},
                 {"rewritten / zpoline's through one nop", times[0], times[4], {Target::Side::at_most, 1}},
                 {"rewritten / trap", times[0], times[1], {Target::Side::at_most, 1.0 / 200}}});
  return {};
}

}  // namespace hobbes::bench
