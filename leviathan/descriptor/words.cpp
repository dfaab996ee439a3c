// SPDX-License-Identifier: Apache-2.0
#include "leviathan/descriptor/words.hpp"

#include <optional>

namespace hobbes::descriptor {
namespace {

constexpr char no_quote = '\0';

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Whether a backslash in the given state of quoting takes the next character as it is.
bool escapes(char quote, char next) {
  if (quote == '\'') return false;
  return quote == no_quote || next == '"' || next == '\\';
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view text, std::string_view what) {
  std::vector<std::string> words;
  std::optional<std::string> word;  // present once a character or a quote began it: "" is a word
  char quote = no_quote;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && escapes(quote, text[i + 1])) {
      word = std::move(word).value_or("") + text[++i];
    } else if (c == quote) {
      quote = no_quote;
    } else if (quote == no_quote && (c == '\'' || c == '"')) {
      quote = c;
      word = std::move(word).value_or("");
    } else if (quote == no_quote && is_blank(c)) {
      if (word) words.push_back(*std::move(word));
      word.reset();
    } else {
      word = std::move(word).value_or("") + c;
    }
  }
  if (quote != no_quote)
    return Error(Code::invalid, std::string(what) + ": the quote " + quote + " is never closed");
  if (word) words.push_back(*std::move(word));
  return words;
}

Result<std::vector<std::string>> split_environment(std::string_view text, std::string_view what) {
  auto words = TRY(split_words(text, what));
  for (const std::string& word : words)
    if (const auto equals = word.find('='); equals == 0 || equals == word.npos)
      return Error(Code::invalid, std::string(what) + ": '" + word + "' is not NAME=VALUE");
  return words;
}

}  // namespace hobbes::descriptor
