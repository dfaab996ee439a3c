// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Result<int> cat_file(Shell& shell, const Arguments& arguments) {
  auto client = TRY(shell.connect());
  TRY(client.cat_file(arguments.text("enclave"), arguments.text("path"), STDOUT_FILENO));
  return exit_done;
}

Result<int> cat_into_file(Shell& shell, const Arguments& arguments) {
  auto client = TRY(shell.connect());
  TRY(client.cat_into_file(arguments.text("enclave"), arguments.text("path"), STDIN_FILENO, arguments.has("append")));
  return exit_done;
}

}  // namespace hobbes::shell
