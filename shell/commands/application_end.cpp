// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/application_end.hpp"

#include "shell/shell.hpp"

namespace hobbes::shell {

int exit_status(const client::AppEnd& end) {
  return end.signal != 0 ? exit_by_signal(end.signal) : end.exit_code;
}

Result<int> wait_for_end(client::Client& client, AppId app, CaughtSignals& signals,
                         const std::function<void(int)>& on_signal) {
  const auto end = TRY(client.wait(app, signals.fd(), [&] {
    while (const auto signal = signals.next()) on_signal(*signal);
  }));
  return exit_status(end);
}

}  // namespace hobbes::shell
