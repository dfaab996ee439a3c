// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/completion_script.hpp"

namespace hobbes::shell {

Result<int> completion(Shell& shell, const Arguments& arguments) {
  if (arguments.text("shell") != "bash")
    return Error(Code::unsupported, "completion: '" + arguments.text("shell") + "' is not supported, only bash is");
  print_bash_completion(shell.out);
  return exit_done;
}

}  // namespace hobbes::shell
