// SPDX-License-Identifier: Apache-2.0
// Reading the small files a person names on the command line.
#pragma once

#include <string>

#include "base/result.hpp"

namespace hobbes::shell {

/// The text of a descriptor; a file too large to be one is refused.
[[nodiscard]] Result<std::string> read_descriptor(const std::string& path);

}  // namespace hobbes::shell
