// SPDX-License-Identifier: Apache-2.0
// Help: texts made from the command table.
#pragma once

#include <ostream>
#include <string>

#include "shell/command.hpp"

namespace hobbes::shell {

/// The list of commands.
void print_help(std::ostream& out);
/// One command: usage, summary, details, options.
void print_help(std::ostream& out, const Command& command);
void print_version(std::ostream& out);

/// "ping_enclave [-s BYTES] [-c N] <enclave>"
[[nodiscard]] std::string usage_line(const Command& command);

}  // namespace hobbes::shell
