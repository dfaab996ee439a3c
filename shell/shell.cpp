// SPDX-License-Identifier: Apache-2.0
#include "shell/shell.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "shell/arguments.hpp"
#include "shell/command_table.hpp"
#include "shell/help.hpp"
#include "shell/prompt.hpp"
#include "shell/script.hpp"
#include "shell/suggest.hpp"

namespace hobbes::shell {
namespace {

int usage_failure(Shell& shell, std::string_view text, std::string_view help_topic) {
  shell.complain(text);
  shell.err << "Try '" << shell.help << (help_topic.empty() ? "" : " ") << help_topic << "'.\n";
  return exit_usage;
}

int unknown_command(Shell& shell, std::string_view name) {
  std::string text = "unknown command '" + std::string(name) + "'";
  if (const Command* meant = nearest(name, commands())) text += ", did you mean '" + std::string(meant->name) + "'?";
  return usage_failure(shell, text, "");
}

bool interrupted(const Shell& shell, const Error& error) {
  pollfd waiting{.fd = shell.interrupt_fd, .events = POLLIN, .revents = 0};
  return error.sys_errno() == EINTR && poll(&waiting, 1, 0) == 1;
}

/// Its exit status; says what went wrong.
int carry_out(Shell& shell, const Command& command, const Arguments& arguments) {
  const auto status = command.handler(shell, arguments);
  shell.out.flush();
  if (!status) {
    if (interrupted(shell, status.error())) return exit_by_signal(SIGINT);
    shell.complain(status.error().text());
    return exit_failed;
  }
  if (!shell.out) {
    shell.complain("cannot write to standard output");
    return exit_failed;
  }
  // Of a program's failure only a script has to be told where it was.
  if (*status != exit_done && !shell.place.empty() && !shell.leaving) {
    shell.complain(std::string(command.name) + ": ended with status " + std::to_string(*status));
  }
  return *status;
}

int run_session(Shell& shell, const Arguments& arguments) {
  const bool keep_going = arguments.has("keep-going");
  if (arguments.has("file")) return run_script_file(shell, arguments.text("file"), keep_going);
  if (!keep_going && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1) return run_prompt(shell);
  return run_script(shell, STDIN_FILENO, "stdin", keep_going);
}

}  // namespace

Result<client::Client*> Shell::connect() {
  if (!client_ || client_dir_ != run_dir) {
    client_ = TRY(run_dir.empty() ? client::Client::open() : client::Client::open(run_dir));
    client_dir_ = run_dir;
  }
  client_->interrupt_with(interrupt_fd);
  return &*client_;
}

void Shell::complain(std::string_view sentence) { err << "hobbes: " << place << sentence << '\n'; }

int run_command(Shell& shell, std::span<const std::string> words) {
  const std::string& name = words.front();
  const Command* command = find_command(name);
  if (command == nullptr) return unknown_command(shell, name);
  const auto arguments = Arguments::parse(*command, words.subspan(1));
  if (!arguments) return usage_failure(shell, name + ": " + arguments.error().text(), name);
  if (arguments->has("help")) {
    print_help(shell.out, *command);
    return exit_done;
  }
  const auto session_dir = shell.run_dir;
  if (arguments->has("run-dir")) shell.run_dir = arguments->text("run-dir");
  const int status = carry_out(shell, *command, *arguments);
  shell.run_dir = session_dir;
  return status;
}

int run(std::span<const std::string> words, std::ostream& out, std::ostream& err) {
  Shell shell(out, err);
  const auto arguments = Arguments::parse(shell_itself(), words);
  if (!arguments) return usage_failure(shell, arguments.error().text(), "");
  if (arguments->has("help") || arguments->has("version")) {
    arguments->has("help") ? print_help(out) : print_version(out);
    return exit_done;
  }
  shell.run_dir = arguments->text("run-dir");
  return arguments->program().empty() ? run_session(shell, *arguments) : run_command(shell, arguments->program());
}

Status check_shell(const Arguments& arguments) {
  if (!arguments.program().empty() && (arguments.has("file") || arguments.has("keep-going")))
    return Error(Code::invalid, "--file and --keep-going are for scripts, and '" + arguments.program().front() +
                                    "' is a command: give one of them");
  return {};
}

}  // namespace hobbes::shell
