// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Result<int> kill_app(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  const AppId app = TRY(client.find_app(arguments.text("application")));
  TRY(client.kill(app, static_cast<int>(arguments.number("signal").value_or(SIGTERM))));
  return exit_done;
}

}  // namespace hobbes::shell
