// SPDX-License-Identifier: Apache-2.0
// The commands of `hobbes`.
#pragma once

#include <span>
#include <string_view>

#include "shell/command.hpp"

namespace hobbes::shell {

/// All of them, in the order of the help text.
[[nodiscard]] std::span<const Command> commands();
/// By its exact name; null if there is none.
[[nodiscard]] const Command* find_command(std::string_view name);
/// What stands before a command's name, as a row of its own: the command is its program.
[[nodiscard]] const Command& shell_itself();

}  // namespace hobbes::shell
