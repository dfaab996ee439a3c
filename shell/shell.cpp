// SPDX-License-Identifier: Apache-2.0
#include "shell/shell.hpp"

#include "shell/arguments.hpp"
#include "shell/command_table.hpp"
#include "shell/help.hpp"
#include "shell/suggest.hpp"

namespace hobbes::shell {
namespace {

/// What stands before the command's name, as if it were a command of its own.
constexpr Option version_option{.name = "version", .letter = 'V', .text = "print the version"};
constexpr Command frame{.name = "hobbes", .summary = "", .options = std::span(&version_option, 1)};

void complain(std::ostream& err, std::string_view text) { err << "hobbes: " << text << '\n'; }

int usage_failure(std::ostream& err, std::string_view text, std::string_view help_topic) {
  complain(err, text);
  err << "Try 'hobbes help" << (help_topic.empty() ? "" : " ") << help_topic << "'.\n";
  return exit_usage;
}

int unknown_command(std::ostream& err, std::string_view name) {
  std::string text = "unknown command '" + std::string(name) + "'";
  if (const Command* meant = nearest(name, commands())) text += ", did you mean '" + std::string(meant->name) + "'?";
  return usage_failure(err, text, "");
}

/// How many of `words` stand before the command's name.
std::size_t frame_length(std::span<const char* const> words) {
  std::size_t length = 0;
  while (length < words.size() && words[length][0] == '-')
    length += std::string_view(words[length]) == "--run-dir" ? 2 : 1;
  return std::min(length, words.size());
}

int run_command(Shell& shell, const Command& command, std::span<const char* const> words) {
  const auto arguments = Arguments::parse(command, words);
  if (!arguments) {
    return usage_failure(shell.err, std::string(command.name) + ": " + arguments.error().text(), command.name);
  }
  if (arguments->has("help")) {
    print_help(shell.out, command);
    return exit_done;
  }
  if (arguments->has("run-dir")) shell.run_dir = arguments->text("run-dir");
  const auto status = command.handler(shell, *arguments);
  shell.out.flush();
  if (!status) {
    complain(shell.err, status.error().text());
    return exit_failed;
  }
  if (!shell.out) {
    complain(shell.err, "cannot write to standard output");
    return exit_failed;
  }
  return *status;
}

}  // namespace

Result<client::Client> Shell::connect() const {
  return run_dir.empty() ? client::Client::open() : client::Client::open(run_dir);
}

int run(std::span<const char* const> words, std::ostream& out, std::ostream& err) {
  const auto before = frame_length(words);
  const auto options = Arguments::parse(frame, words.first(before));
  if (!options) return usage_failure(err, options.error().text(), "");
  if (options->has("help") || options->has("version")) {
    options->has("help") ? print_help(out) : print_version(out);
    return exit_done;
  }
  if (before == words.size()) {
    print_help(err);
    return exit_usage;
  }
  const Command* command = find_command(words[before]);
  if (command == nullptr) return unknown_command(err, words[before]);
  Shell shell{.out = out, .err = err, .run_dir = options->text("run-dir")};
  return run_command(shell, *command, words.subspan(before + 1));
}

}  // namespace hobbes::shell
