// SPDX-License-Identifier: Apache-2.0
// Container: what people would take instead of an enclave to start one static program: crun.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace hobbes::bench {

class Container {
 public:
  /// Makes an OCI bundle of `program` in `directory` and sees whether crun runs it. Where crun refuses the machine's
  /// hybrid cgroups, this process moves into a mount namespace of its own that shows cgroup 2 alone, and crun manages no
  /// cgroup. unsupported: why it does not run here.
  [[nodiscard]] static Result<Container> create(const std::filesystem::path& directory, std::string_view program);

  /// The command that runs the program to its end, once more.
  [[nodiscard]] std::vector<std::string> command() const;

 private:
  Container(std::filesystem::path bundle, bool manages_cgroup)
      : bundle_(std::move(bundle)), manages_cgroup_(manages_cgroup) {}

  std::filesystem::path bundle_;
  bool manages_cgroup_;
};

}  // namespace hobbes::bench
