// SPDX-License-Identifier: Apache-2.0
// What bench_node measures: one function a section, each in a file of its own name. A section warms up, lets its
// contestants take turns for `rounds` rounds, and reports. An Error: it could not be measured.
#pragma once

#include <cstddef>

#include "base/result.hpp"
#include "tests/bench/node/node.hpp"

namespace hobbes::bench {

class Report;

[[nodiscard]] Status measure_create(Node& node, Report& report, std::size_t rounds);
[[nodiscard]] Status measure_getpid(Node& node, Report& report, std::size_t rounds);
[[nodiscard]] Status measure_ping(Node& node, Report& report, std::size_t rounds);
[[nodiscard]] Status measure_launch(Node& node, Report& report, std::size_t rounds);
[[nodiscard]] Status measure_cat(Node& node, Report& report, std::size_t rounds);
[[nodiscard]] Status measure_compute(Node& node, Report& report, std::size_t rounds);
[[nodiscard]] Status measure_work(Node& node, Report& report, std::size_t rounds);
[[nodiscard]] Status measure_forward(Node& node, Report& report, std::size_t rounds);
[[nodiscard]] Status measure_redis(Node& node, Report& report, std::size_t rounds);
[[nodiscard]] Status measure_sqlite(Node& node, Report& report, std::size_t rounds);
/// REQUIRES: a node with several CPUs for enclaves (Cpus::find_several).
[[nodiscard]] Status measure_parallel(Node& node, Report& report, std::size_t rounds);

}  // namespace hobbes::bench
