// SPDX-License-Identifier: Apache-2.0
// Programs that nobody here wrote, run once from start to end.
#pragma once

#include "tests/bench/node/node.hpp"

namespace hobbes::bench {

enum class Place {
  enclave,
  on_linux,  ///< on the enclave's CPUs
  beside,    ///< on Linux, on its own CPUs
};

/// What it wrote to stdout, and how long it took from before its start to its end. An Error unless it ends with
/// status 0.
struct Ran {
  std::string output;
  Nanoseconds time;
};
[[nodiscard]] Result<Ran> run_once(Node& node, Place place, const std::vector<std::string>& args);

/// Where execvp would find it. unsupported: this machine does not have it.
[[nodiscard]] Result<std::string> find_program(const std::string& name);

}  // namespace hobbes::bench
