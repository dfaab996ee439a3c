// SPDX-License-Identifier: Apache-2.0
#include "shell/arguments.hpp"

#include <array>

#include "base/parse.hpp"
#include "shell/signals.hpp"

namespace hobbes::shell {
namespace {

constexpr std::int64_t max_numa = 1023;

constexpr std::array common = {
    Option{.name = "run-dir", .kind = Kind::file, .value = "DIR", .text = "leviathan's run directory"},
    Option{.name = "help", .letter = 'h', .text = "explain the command"},
};

Error usage_error(std::string text) { return Error(Code::invalid, std::move(text)); }

/// The name as a person types it: "-n" and "--numa" alike.
std::string spelled(const Option& option) { return "--" + std::string(option.name); }

const Option* find_named(const Command& command, std::string_view name) {
  for (const auto options : {command.options, common_options()})
    for (const Option& option : options)
      if (option.name == name || (name.size() == 1 && option.letter == name[0])) return &option;
  return nullptr;
}

bool is_option(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

/// An option word taken apart: "--name=value", "-c5", or just the name.
struct Spelling {
  const Option* option = nullptr;
  std::optional<std::string_view> value;
};

Spelling recognize(const Command& command, std::string_view word) {
  const bool two_dashes = word.starts_with("--");
  const std::string_view body = word.substr(two_dashes ? 2 : 1);
  const auto equals = body.find('=');
  if (equals != body.npos)
    if (const Option* option = find_named(command, body.substr(0, equals))) return {option, body.substr(equals + 1)};
  if (const Option* option = find_named(command, body)) return {option, {}};
  if (two_dashes || body.size() < 2) return {};
  const Option* option = find_named(command, body.substr(0, 1));
  if (option == nullptr || option->kind == Kind::none) return {};
  return {option, body.substr(1)};
}

}  // namespace

std::span<const Option> common_options() { return common; }

Expectation expected_behind(const Command& command, std::span<const std::string> words) {
  Expectation expected;
  std::size_t operands = 0;
  for (const std::string& word : words) {
    if (expected.value_of != nullptr) {
      expected.value_of = nullptr;
    } else if (expected.options && word == "--") {
      expected.options = false;
    } else if (expected.options && is_option(word)) {
      const auto [option, value] = recognize(command, word);
      if (option != nullptr && option->kind != Kind::none && !value) expected.value_of = option;
    } else if (++operands > command.operands.size()) {
      return {.options = false, .program = !command.program.empty()};
    }
  }
  if (operands < command.operands.size()) expected.operand = &command.operands[operands];
  expected.program = expected.operand == nullptr && !command.program.empty();
  return expected;
}

Result<Arguments> Arguments::parse(const Command& command, std::span<const std::string> all) {
  Arguments arguments;
  Words words{all};
  bool options_allowed = true;
  while (!words.rest.empty()) {
    const std::string_view word = words.next();
    if (options_allowed && word == "--") {
      options_allowed = false;
    } else if (options_allowed && is_option(word)) {
      TRY(arguments.take_option(command, word, words));
    } else if (!command.program.empty() && arguments.operand_count_ == command.operands.size()) {
      arguments.program_.emplace_back(word);
      arguments.program_.insert(arguments.program_.end(), words.rest.begin(), words.rest.end());
      break;
    } else {
      TRY(arguments.take_operand(command, word));
    }
  }
  if (!arguments.has("help")) TRY(arguments.check_complete(command));
  return arguments;
}

std::string_view Arguments::Words::next() {
  const std::string_view word = rest.front();
  rest = rest.subspan(1);
  return word;
}

Result<Arguments::Value> Arguments::read(std::string_view text, std::string_view what, Kind kind, std::uint64_t min,
                                         std::uint64_t max) {
  Value value{.text = std::string(text), .cpus = {}};
  switch (kind) {
    case Kind::number: value.number = TRY(parse_u64(text, what, min, max)); break;
    case Kind::bytes: value.number = TRY(parse_size(text, what, Bytes(1))).value; break;
    case Kind::mebibytes: value.number = TRY(parse_size(text, what, mib(1))).value; break;
    case Kind::numa:
      value.number = static_cast<std::uint64_t>(TRY(parse_i64(text, what, any_numa.value, max_numa)));
      break;
    case Kind::cpus: value.cpus = TRY(parse_cpu_list(text, what)); break;
    case Kind::signal: value.number = static_cast<std::uint64_t>(TRY(parse_signal(text))); break;
    case Kind::mode: value.number = TRY(parse_mode(text, what)); break;
    case Kind::enclave:
    case Kind::app:
    case Kind::enclave_or_app:
    case Kind::file:
    case Kind::command:
    case Kind::text:
      if (text.empty()) return usage_error(std::string(what) + " is empty");
      break;
    case Kind::none: break;
  }
  if ((kind == Kind::bytes || kind == Kind::mebibytes) && (value.number < min || value.number > max))
    return usage_error(std::string(what) + " '" + value.text + "' is out of range");
  return value;
}

Status Arguments::take_option(const Command& command, std::string_view word, Words& words) {
  auto [option, text] = recognize(command, word);
  if (option == nullptr) return usage_error("unknown option '" + std::string(word) + "'");
  if (has(option->name)) return usage_error(spelled(*option) + " is given twice");
  if (option->kind == Kind::none) {
    if (text) return usage_error(spelled(*option) + " takes no value");
    values_[option->name] = {};
    return {};
  }
  if (!text) {
    if (words.rest.empty()) return usage_error(spelled(*option) + " needs a value: " + std::string(option->value));
    text = words.next();
  }
  values_[option->name] = TRY(read(*text, spelled(*option), option->kind, option->min, option->max));
  return {};
}

Status Arguments::take_operand(const Command& command, std::string_view word) {
  if (operand_count_ == command.operands.size()) return usage_error("unexpected '" + std::string(word) + "'");
  const Operand& operand = command.operands[operand_count_++];
  values_[operand.name] = TRY(read(word, operand.name, operand.kind, operand.min, operand.max));
  return {};
}

Status Arguments::check_complete(const Command& command) const {
  for (const Operand& operand : command.operands)
    if (!operand.optional && !has(operand.name)) return usage_error("missing <" + std::string(operand.name) + ">");
  return command.check != nullptr ? command.check(*this) : Status();
}

bool Arguments::has(std::string_view name) const { return values_.contains(name); }

std::string Arguments::text(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second.text;
}

std::optional<std::uint64_t> Arguments::number(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second.number;
}

std::optional<Bytes> Arguments::size(std::string_view name) const {
  const auto value = number(name);
  if (!value) return std::nullopt;
  return Bytes(*value);
}

NumaId Arguments::numa(std::string_view name) const {
  const auto value = number(name);
  return value ? NumaId(static_cast<std::int32_t>(*value)) : any_numa;
}

std::vector<CpuId> Arguments::cpus(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<CpuId>() : found->second.cpus;
}

}  // namespace hobbes::shell
