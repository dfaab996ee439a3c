// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Result<int> assign_pci(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  shell.out << TRY(client.assign_pci(arguments.text("enclave"), arguments.text("name"), arguments.text("bus:dev.fn")))
            << '\n';
  return exit_done;
}

Result<int> remove_pci(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  shell.out << TRY(client.remove_pci(arguments.text("enclave"), arguments.text("name"))) << '\n';
  return exit_done;
}

}  // namespace hobbes::shell
