// SPDX-License-Identifier: Apache-2.0
#include "shell/completion_script.hpp"

#include <string>

#include "shell/arguments.hpp"
#include "shell/command_table.hpp"

namespace hobbes::shell {
namespace {

/// Names of what exists come from the list commands' JSON, whose fields stand on lines of their own.
constexpr std::string_view preamble = R"bash(# bash completion for hobbes: source <(hobbes completion bash)
_hobbes_names() { hobbes "$1" --json 2>/dev/null | sed -n 's/^ *"'"$2"'": "\(.*\)",\{0,1\}$/\1/p'; }

_hobbes() {
  local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} options= operands= seen=0 i
  COMPREPLY=()
)bash";

constexpr std::string_view epilogue = R"bash(  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
    return
  fi
  for ((i = 2; i < COMP_CWORD; i++)); do [[ ${COMP_WORDS[i]} == -* ]] || seen=$((seen + 1)); done
  set -- $operands
  shift "$((seen < $# ? seen : ($# > 0 ? $# - 1 : 0)))"
  case ${1-} in
    enclave) COMPREPLY=($(compgen -W "$(_hobbes_names list_enclaves name)" -- "$current")) ;;
    app) COMPREPLY=($(compgen -W "$(_hobbes_names list_apps application)" -- "$current")) ;;
    enclave_or_app)
      COMPREPLY=($(compgen -W "$(_hobbes_names list_enclaves name
        _hobbes_names list_apps application)" -- "$current")) ;;
    command) COMPREPLY=($(compgen -W "$commands" -- "$current")) ;;
    file) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _hobbes hobbes
)bash";

std::string_view completer(const Operand& operand) {
  switch (operand.kind) {
    case Kind::enclave: return "enclave";
    case Kind::app: return "app";
    case Kind::enclave_or_app: return "enclave_or_app";
    case Kind::file: return "file";
    case Kind::command: return "command";
    default: return "none";
  }
}

std::string words_of(std::span<const Option> options) {
  std::string words;
  for (const Option& option : options) words += "--" + std::string(option.name) + " ";
  return words;
}

}  // namespace

void print_bash_completion(std::ostream& out) {
  std::string names;
  for (const Command& command : commands()) names += (names.empty() ? "" : " ") + std::string(command.name);
  out << preamble << "  local commands='" << names << "'\n"
      << "  if ((COMP_CWORD == 1)); then\n"
      << "    COMPREPLY=($(compgen -W \"$commands " << words_of(shell_itself().options) << words_of(common_options())
      << "\" -- \"$current\"))\n"
      << "    return\n"
      << "  fi\n"
      << "  case $command in\n";
  for (const Command& command : commands()) {
    out << "    " << command.name << ") options='" << words_of(command.options) << words_of(common_options())
        << "' operands='";
    for (const Operand& operand : command.operands) out << completer(operand) << ' ';
    out << (command.program.empty() ? "" : "file") << "' ;;\n";
  }
  out << "  esac\n" << epilogue;
}

}  // namespace hobbes::shell
