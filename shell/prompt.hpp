// SPDX-License-Identifier: Apache-2.0
// The prompt: commands typed one after the other, with line editing, history and completion.
#pragma once

namespace hobbes::shell {

struct Shell;

/// Runs commands from the terminal on descriptors 0 and 1 until `exit`, Ctrl-D, SIGTERM or SIGHUP; returns the exit
/// status. Ctrl-C ends the command that runs, or the line that is typed. Process-wide: it sets the locale that the
/// terminal's characters have.
[[nodiscard]] int run_prompt(Shell& shell);

}  // namespace hobbes::shell
