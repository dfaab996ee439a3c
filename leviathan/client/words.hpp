// SPDX-License-Identifier: Apache-2.0
// Lines of words, as descriptors have them, for whoever reads commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace hobbes::client {

/// Words are separated by blanks. 'single' quotes keep everything, "double" quotes everything but \" and \\, a
/// backslash outside quotes keeps the next character. `what` names the text in the error (an open quote).
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view text, std::string_view what);

}  // namespace hobbes::client
