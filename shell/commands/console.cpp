// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "shell/commands/handlers.hpp"
#include "shell/raw_terminal.hpp"

namespace hobbes::shell {

Result<int> console(Shell& shell, const Arguments& arguments) {
  const std::string enclave = arguments.text("enclave");
  auto client = TRY(shell.connect());
  const RawTerminal terminal(STDIN_FILENO);
  if (terminal.active()) shell.err << "Console of " << enclave << ": Ctrl-] leaves.\r\n" << std::flush;
  TRY(client.console(enclave, arguments.has("read-only") ? -1 : STDIN_FILENO, STDOUT_FILENO));
  if (terminal.active()) shell.err << "\r\n" << std::flush;
  return exit_done;
}

}  // namespace hobbes::shell
