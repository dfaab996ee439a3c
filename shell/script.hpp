// SPDX-License-Identifier: Apache-2.0
// Scripts: a command a line, until one fails.
#pragma once

#include <string>

namespace hobbes::shell {

struct Shell;

/// Runs the lines that `fd` yields and returns the exit status: that of the first command that failed, which also ends
/// the script unless `keep_going`; that of `exit`; else 0. Every sentence says "name:line: " where it is from.
[[nodiscard]] int run_script(Shell& shell, int fd, const std::string& name, bool keep_going);

/// The same for a file.
[[nodiscard]] int run_script_file(Shell& shell, const std::string& path, bool keep_going);

}  // namespace hobbes::shell
