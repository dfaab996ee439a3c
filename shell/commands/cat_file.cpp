// SPDX-License-Identifier: Apache-2.0
#include <sys/types.h>
#include <unistd.h>

#include <optional>

#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Result<int> cat_file(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  TRY(client.cat_file(arguments.text("enclave"), arguments.text("path"), STDOUT_FILENO));
  return exit_done;
}

Result<int> cat_into_file(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  std::optional<mode_t> mode;
  if (const auto given = arguments.number("mode")) mode = static_cast<mode_t>(*given);
  TRY(client.cat_into_file(arguments.text("enclave"), arguments.text("path"), STDIN_FILENO, arguments.has("append"), mode));
  return exit_done;
}

}  // namespace hobbes::shell
