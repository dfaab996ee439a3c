// SPDX-License-Identifier: Apache-2.0
// What a person most likely meant by a word that is none of ours.
#pragma once

#include <span>
#include <string_view>

#include "shell/command.hpp"

namespace hobbes::shell {

/// The command whose name takes the fewest edits from `word`; null if none is near.
[[nodiscard]] const Command* nearest(std::string_view word, std::span<const Command> commands);

}  // namespace hobbes::shell
