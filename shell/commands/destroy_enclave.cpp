// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Result<int> destroy_enclave(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  TRY(client.destroy_enclave(arguments.text("enclave")));
  return exit_done;
}

}  // namespace hobbes::shell
