// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hobbes::hpmmap {

/// A line of /proc/<pid>/maps.
struct Mapped {
  std::uint64_t start, end;
  int protection;
  std::string name;  ///< a path, "[stack]", or nothing
};
/// Empty: it has gone.
[[nodiscard]] std::vector<Mapped> mappings_of(pid_t process);

}  // namespace hobbes::hpmmap
