// SPDX-License-Identifier: Apache-2.0
// Served: the near ends of the pipes to a program that includes programs/serve.h.
#pragma once

#include "tests/bench/node/node.hpp"

namespace hobbes::bench {

/// Destroying it ends the program: its input ends.
class Served {
 public:
  /// Runs `args` on Linux, on the enclave's CPU.
  [[nodiscard]] static Result<Served> on_linux(const Node& node, const std::vector<std::string>& args);
  [[nodiscard]] static Result<Served> in_enclave(Node& node, const std::vector<std::string>& args, bool rewrite = true);

  /// Has the work done `times` times; what that took, by the program's own clock.
  [[nodiscard]] Result<Nanoseconds> ask(std::uint64_t times);

 private:
  Served(Child child, UniqueFd commands, UniqueFd answers)
      : child_(std::move(child)), commands_(std::move(commands)), answers_(std::move(answers)) {}

  Child child_;  // none in an enclave, where the enclave's end is the program's
  UniqueFd commands_;
  UniqueFd answers_;
};

/// A contestant that asks once a round and adds the time of one of `times`.
[[nodiscard]] Contestant one_batch(std::string name, Served& served, std::uint64_t times);

}  // namespace hobbes::bench
