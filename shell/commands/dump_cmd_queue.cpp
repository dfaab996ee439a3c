// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Result<int> dump_cmd_queue(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  const std::string text = TRY(client.dump_queue(arguments.text("enclave")));
  shell.out << text << (text.ends_with('\n') ? "" : "\n");
  return exit_done;
}

}  // namespace hobbes::shell
