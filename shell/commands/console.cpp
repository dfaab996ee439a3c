// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "shell/commands/handlers.hpp"
#include "shell/raw_terminal.hpp"
#include "shell/signals.hpp"

namespace hobbes::shell {

Status check_console(const Arguments& arguments) {
  if (arguments.has("dump") && arguments.has("read-only"))
    return Error(Code::invalid, "--dump neither watches nor types: leave --read-only out");
  return {};
}

Result<int> console(Shell& shell, const Arguments& arguments) {
  const std::string enclave = arguments.text("enclave");
  client::Client& client = *TRY(shell.connect());
  if (arguments.has("dump")) {
    TRY(client.console(enclave, -1, STDOUT_FILENO, {.type = false, .follow = false}));
    return exit_done;
  }
  auto signals = TRY(CaughtSignals::create());  // whatever ends it, the terminal is put back first
  client.interrupt_with(signals.fd());
  const bool type = !arguments.has("read-only");
  const RawTerminal terminal(STDIN_FILENO, type ? RawTerminal::Signals::off : RawTerminal::Signals::on);
  if (terminal.active()) shell.err << "Console of " << enclave << ": Ctrl-] leaves.\r\n" << std::flush;
  const auto done = client.console(enclave, STDIN_FILENO, STDOUT_FILENO, {.type = type});
  if (terminal.active()) shell.err << "\r\n" << std::flush;
  if (const auto signal = signals.next()) return exit_by_signal(*signal);
  TRY(done);
  return exit_done;
}

}  // namespace hobbes::shell
