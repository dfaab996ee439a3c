// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Result<int> assign_memory(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  shell.out << TRY(client.assign_memory(arguments.text("enclave"), arguments.size("size").value_or(Bytes(0)),
                                        arguments.numa("numa"), arguments.has("contiguous")))
            << '\n';
  return exit_done;
}

Result<int> remove_memory(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  shell.out << TRY(client.remove_memory(arguments.text("enclave"), arguments.size("size").value_or(Bytes(0)),
                                        arguments.numa("numa")))
            << '\n';
  return exit_done;
}

}  // namespace hobbes::shell
