// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Result<int> exit(Shell& shell, const Arguments& arguments) {
  shell.leaving = true;
  return static_cast<int>(arguments.number("status").value_or(exit_done));
}

}  // namespace hobbes::shell
