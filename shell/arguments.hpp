// SPDX-License-Identifier: Apache-2.0
// Arguments: what was typed behind a command's name, checked against its row of the table.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"
#include "shell/command.hpp"

namespace hobbes::shell {

/// Options every command takes.
[[nodiscard]] std::span<const Option> common_options();

/// What may stand behind the words typed so far.
struct Expectation {
  const Option* value_of = nullptr;  ///< a value of this option, and nothing else
  const Operand* operand = nullptr;  ///< null: there are enough
  bool options = true;
  bool program = false;              ///< the program or an argument of its
};
/// For completion: what is wrong among the words is not looked at.
[[nodiscard]] Expectation expected_behind(const Command& command, std::span<const std::string> words);

class Arguments {
 public:
  /// Options may stand anywhere before `--`; where the command takes a program, the first word behind the operands
  /// starts it and everything from there on is the program's. Every error is a usage error.
  [[nodiscard]] static Result<Arguments> parse(const Command& command, std::span<const std::string> words);

  /// Whether an option or operand was given.
  [[nodiscard]] bool has(std::string_view name) const;
  /// As typed; empty if it was not given.
  [[nodiscard]] std::string text(std::string_view name) const;
  /// Values of Kind::number, Kind::signal and Kind::mode.
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
  /// Values of Kind::bytes and Kind::mebibytes.
  [[nodiscard]] std::optional<Bytes> size(std::string_view name) const;
  [[nodiscard]] NumaId numa(std::string_view name) const;
  [[nodiscard]] std::vector<CpuId> cpus(std::string_view name) const;
  /// The program and its arguments.
  [[nodiscard]] const std::vector<std::string>& program() const { return program_; }

 private:
  struct Value {
    std::string text;
    std::uint64_t number = 0;  ///< numbers, bytes, signals, modes, NUMA nodes (two's complement)
    std::vector<CpuId> cpus;
  };
  /// A position in the words.
  struct Words {
    std::span<const std::string> rest;
    [[nodiscard]] std::string_view next();
  };

  [[nodiscard]] static Result<Value> read(std::string_view text, std::string_view what, Kind kind, std::uint64_t min,
                                          std::uint64_t max);
  [[nodiscard]] Status take_option(const Command& command, std::string_view word, Words& words);
  [[nodiscard]] Status take_operand(const Command& command, std::string_view word);
  [[nodiscard]] Status check_complete(const Command& command) const;

  std::map<std::string_view, Value> values_;  ///< by the names in the table
  std::size_t operand_count_ = 0;
  std::vector<std::string> program_;
};

}  // namespace hobbes::shell
