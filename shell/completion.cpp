// SPDX-License-Identifier: Apache-2.0
#include "shell/completion.hpp"

#include <algorithm>
#include <filesystem>

#include "shell/command_table.hpp"
#include "shell/arguments.hpp"
#include "shell/line.hpp"
#include "shell/shell.hpp"
#include "shell/signals.hpp"

namespace hobbes::shell {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// The names in a listing; none where leviathan does not answer.
template <typename Listing>
Words names_in(Shell& shell, Result<Listing> (client::Client::*list)()) {
  Words names;
  auto client = shell.connect();
  if (!client) return names;
  const auto listing = ((*client)->*list)();
  if (!listing) return names;
  for (const auto& row : listing->rows) names.push_back(row.name);
  return names;
}

Words enclaves_and_apps(Shell& shell) {
  Words names = names_in(shell, &client::Client::enclaves);
  const Words apps = names_in(shell, &client::Client::apps);
  names.insert(names.end(), apps.begin(), apps.end());
  return names;
}

Words command_names() {
  Words names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

Words option_names(const Command& command) {
  Words names;
  for (const auto options : {command.options, common_options()})
    for (const Option& option : options) names.push_back("--" + std::string(option.name));
  return names;
}

/// Files that may be what was typed, spelled as it was. Hidden ones only for whoever typed the dot.
Words file_names(const std::string& typed) {
  const std::string directory = typed.substr(0, typed.rfind('/') + 1);
  const std::string_view name = std::string_view(typed).substr(directory.size());
  Words names;
  std::error_code unreadable;  // nothing to offer then
  for (fs::directory_iterator at(directory.empty() ? "." : directory, unreadable), end; !unreadable && at != end;
       at.increment(unreadable)) {
    const std::string file = at->path().filename();
    if (file.starts_with('.') && !name.starts_with('.')) continue;
    std::error_code vanished;  // then it is no directory
    names.push_back(directory + file + (at->is_directory(vanished) ? "/" : ""));
  }
  return names;
}

Words values_of(Shell& shell, Kind kind, const std::string& typed) {
  switch (kind) {
    case Kind::enclave: return names_in(shell, &client::Client::enclaves);
    case Kind::app: return names_in(shell, &client::Client::apps);
    case Kind::enclave_or_app: return enclaves_and_apps(shell);
    case Kind::command: return command_names();
    case Kind::file: return file_names(typed);
    case Kind::signal: return signal_names();
    default: return {};
  }
}

/// Everything that could stand behind `words`, whatever was typed of it.
Words possible_words(Shell& shell, const Words& words, const std::string& typed) {
  if (words.empty()) return command_names();
  const Command* command = find_command(words.front());
  if (command == nullptr) return {};
  const auto expected = expected_behind(*command, std::span(words).subspan(1));
  if (expected.value_of != nullptr) return values_of(shell, expected.value_of->kind, typed);
  if (expected.options && typed.starts_with('-')) return option_names(*command);
  if (expected.operand != nullptr) return values_of(shell, expected.operand->kind, typed);
  return expected.program ? file_names(typed) : Words();
}

std::string quoted(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (std::string_view(" \t\\'\"").find(c) != std::string_view::npos) line += '\\';
    line += c;
  }
  return line;
}

std::size_t common_length(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

std::string Completion::insertion() const {
  if (candidates.empty()) return {};
  const std::string& first = candidates.front();
  const std::size_t length = common_length(first, candidates.back());  // sorted: what these share, all share
  const bool whole = candidates.size() == 1 && !first.ends_with('/');
  return quoted(std::string_view(first).substr(typed.size(), length - typed.size())) + (whole ? " " : "");
}

Completion complete(Shell& shell, std::string_view line) {
  auto words = words_of_line(line);
  if (!words) return {};
  Completion completion;
  if (!at_word_start(line)) {
    if (words->empty()) return {};  // in a comment
    completion.typed = std::move(words->back());
    words->pop_back();
  }
  for (std::string& word : possible_words(shell, *words, completion.typed))
    if (word.starts_with(completion.typed)) completion.candidates.push_back(std::move(word));
  std::ranges::sort(completion.candidates);
  const auto twice = std::ranges::unique(completion.candidates);
  completion.candidates.erase(twice.begin(), twice.end());
  return completion;
}

}  // namespace hobbes::shell
