// SPDX-License-Identifier: Apache-2.0
// Waiting in front of an application, as launch_app and wait_app do.
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "leviathan/client/client.hpp"
#include "shell/signals.hpp"

namespace hobbes::shell {

/// The exit status a shell gives a program that ended so: its own, 128 + n for a signal. Why it ended before its time is
/// said on `err`.
[[nodiscard]] int exit_status(const client::AppEnd& end, const std::string& program, std::ostream& err);

/// Waits for `app`; every signal caught meanwhile is handed to `on_signal`.
[[nodiscard]] Result<client::AppEnd> wait_for_end(client::Client& client, AppId app, CaughtSignals& signals,
                                                  const std::function<void(int)>& on_signal);

}  // namespace hobbes::shell
