// SPDX-License-Identifier: Apache-2.0
// Command: one row of the command table. Parsing, help, completion and docs/commands.md all follow from it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace hobbes::shell {

class Arguments;
struct Shell;

/// What a typed value means: it is checked before the handler runs, and tells completion what to offer.
enum class Kind {
  none,      ///< an option that takes no value
  text,
  enclave,   ///< name of an enclave
  app,       ///< name or number of an application
  enclave_or_app,
  file,      ///< path on this side
  command,   ///< name of a command
  number,    ///< within [min, max]
  bytes,     ///< size, a bare number is bytes
  mebibytes, ///< size, a bare number is MiB
  numa,      ///< a NUMA node, -1: any
  cpus,      ///< CPU list, "0-3,8"
  signal,    ///< by name or number
  mode,      ///< permissions in octal, as chmod takes them
};

struct Option {
  std::string_view name;        ///< without dashes; one or two are accepted in front of it
  char letter = '\0';           ///< its short form
  Kind kind = Kind::none;
  std::string_view value = {};  ///< what help calls the value
  std::string_view text;        ///< one line for help
  std::uint64_t min = 0, max = UINT64_MAX;  ///< of a number
};

struct Operand {
  std::string_view name;
  Kind kind = Kind::text;
  bool optional = false;
  std::uint64_t min = 0, max = UINT64_MAX;  ///< of a number
};

struct Command {
  std::string_view name;
  std::string_view summary;                 ///< one line for the list of commands
  std::span<const Operand> operands = {};
  std::span<const Option> options = {};
  std::string_view program = {};            ///< not empty: a program and its arguments follow the operands, untouched
  std::string_view usage = {};              ///< replaces the usage line made from the rest, where that says too little
  std::string_view details = {};            ///< paragraphs for `help <command>`
  /// Refuses combinations that the rest of the row cannot express; its error is a usage error.
  Status (*check)(const Arguments&) = nullptr;
  /// Does it and returns the exit status.
  Result<int> (*handler)(Shell&, const Arguments&) = nullptr;
};

}  // namespace hobbes::shell
