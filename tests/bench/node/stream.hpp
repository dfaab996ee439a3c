// SPDX-License-Identifier: Apache-2.0
// STREAM's four kernels in the enclave and on Linux, by as many threads as the enclave has CPUs.
#pragma once

#include <string>

#include "tests/bench/node/node.hpp"

namespace hobbes::bench {

class Report;

/// What an enclave needs for it: three arrays of 64 MiB, and room for the programs.
inline constexpr Bytes stream_memory = mib(512);

/// `title` is followed by the kernel's name. REQUIRES: a MeasuredEnclave of that much memory.
[[nodiscard]] Status compare_stream(Node& node, Report& report, std::size_t rounds, const std::string& title);

}  // namespace hobbes::bench
