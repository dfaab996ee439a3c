// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "hpmmap/options.hpp"

namespace hobbes::hpmmap {

struct Started {
  pid_t pid = 0;
  UniqueFd failure;  ///< an errno, if it ends without having been the program
};
/// Starts the program as a child that we trace, with all it will start, and that ends with us. It has our descriptors but the
/// reservation's.
[[nodiscard]] Result<Started> start_traced(const Options& options);

}  // namespace hobbes::hpmmap
