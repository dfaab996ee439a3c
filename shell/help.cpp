// SPDX-License-Identifier: Apache-2.0
#include "shell/help.hpp"

#include <algorithm>

#include "shell/arguments.hpp"
#include "shell/command_table.hpp"

namespace hobbes::shell {
namespace {

void print_padded(std::ostream& out, std::string_view text, std::size_t width) {
  out << "  " << text << std::string(width > text.size() ? width - text.size() : 0, ' ');
}

std::string spelling(const Option& option) {
  std::string text = option.letter != '\0' ? std::string("-") + option.letter + ", " : std::string("    ");
  text += "--" + std::string(option.name);
  if (option.kind != Kind::none) text += " " + std::string(option.value);
  return text;
}

void print_options(std::ostream& out, std::span<const Option> options) {
  constexpr std::size_t width = 26;
  for (const Option& option : options) {
    print_padded(out, spelling(option), width);
    out << "  " << option.text << '\n';
  }
}

std::string brief(const Option& option) {
  std::string text = option.letter != '\0' ? std::string("-") + option.letter : "--" + std::string(option.name);
  if (option.kind != Kind::none) text += " " + std::string(option.value);
  return "[" + text + "]";
}

}  // namespace

std::string usage_line(const Command& command) {
  if (!command.usage.empty()) return std::string(command.usage);
  std::string line(command.name);
  for (const Option& option : command.options) line += " " + brief(option);
  for (const Operand& operand : command.operands)
    line += operand.optional ? " [" + std::string(operand.name) + "]" : " <" + std::string(operand.name) + ">";
  return line;
}

void print_help(std::ostream& out) {
  std::size_t width = 0;
  for (const Command& command : commands()) width = std::max(width, command.name.size());
  out << "Hobbes Runtime Shell " << HOBBES_VERSION << "\n"
      << "Usage: " << usage_line(shell_itself()) << "\n\n"
      << "Without a command: a prompt, or a script where stdin is no terminal.\n\n"
      << "Options:\n";
  print_options(out, shell_itself().options);
  print_options(out, common_options());
  out << "\nCommands:\n";
  for (const Command& command : commands()) {
    print_padded(out, command.name, width);
    out << " -- " << command.summary << '\n';
  }
  out << "\n'hobbes help <command>' explains one of them.\n";
}

void print_help(std::ostream& out, const Command& command) {
  out << "Usage: hobbes " << usage_line(command) << "\n\n" << command.summary << ".\n";
  if (!command.details.empty()) out << '\n' << command.details << '\n';
  out << "\nOptions:\n";
  print_options(out, command.options);
  print_options(out, common_options());
}

void print_version(std::ostream& out) { out << "hobbes " << HOBBES_VERSION << '\n'; }

}  // namespace hobbes::shell
