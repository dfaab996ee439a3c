// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/application_end.hpp"
#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

/// Signals end the wait and not the application.
Result<int> wait_app(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  const AppId app = TRY(client.find_app(arguments.text("application")));
  return exit_status(TRY(client.wait(app)), arguments.text("application"), shell.err);
}

}  // namespace hobbes::shell
