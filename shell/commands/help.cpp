// SPDX-License-Identifier: Apache-2.0
#include "shell/help.hpp"

#include "shell/command_table.hpp"
#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Result<int> help(Shell& shell, const Arguments& arguments) {
  if (!arguments.has("command")) {
    print_help(shell.out);
    return exit_done;
  }
  const std::string name = arguments.text("command");
  const Command* command = find_command(name);
  if (command == nullptr) return Error(Code::not_found, "help: no command is called '" + name + "'");
  print_help(shell.out, *command);
  return exit_done;
}

}  // namespace hobbes::shell
