// SPDX-License-Identifier: Apache-2.0
// The completion script for bash, made from the command table.
#pragma once

#include <ostream>

namespace hobbes::shell {

/// Completes commands, their options, files, and the names of the enclaves and applications there are.
void print_bash_completion(std::ostream& out);

}  // namespace hobbes::shell
