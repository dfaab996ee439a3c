// SPDX-License-Identifier: Apache-2.0
// Splitting one string into words as a shell would, without expanding anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace hobbes::descriptor {

/// Words are separated by blanks. 'single' quotes keep everything, "double" quotes everything but \" and \\, a
/// backslash outside quotes keeps the next character. `what` names the text in the error (an open quote).
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view text, std::string_view what);

/// split_words for environments: every word must be NAME=VALUE.
[[nodiscard]] Result<std::vector<std::string>> split_environment(std::string_view text, std::string_view what);

}  // namespace hobbes::descriptor
