// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/application_end.hpp"

#include "shell/shell.hpp"

namespace hobbes::shell {

int exit_status(const client::AppEnd& end, const std::string& program, std::ostream& err) {
  if (!end.reason.empty()) err << "hobbes: " << program << ": " << end.reason << '\n';
  return end.signal != 0 ? exit_by_signal(end.signal) : end.exit_code;
}

Result<client::AppEnd> wait_for_end(client::Client& client, AppId app, CaughtSignals& signals,
                                    const std::function<void(int)>& on_signal) {
  return client.wait(app, signals.fd(), [&] {
    while (const auto signal = signals.next()) on_signal(*signal);
  });
}

}  // namespace hobbes::shell
