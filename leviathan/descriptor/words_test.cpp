// SPDX-License-Identifier: Apache-2.0
#include "leviathan/descriptor/words.hpp"

#include <catch2/catch.hpp>

namespace hobbes::descriptor {
namespace {

/// The words as one string, each in [].
std::string split(std::string_view text) {
  const auto words = split_words(text, "argv");
  if (!words) return words.error().text();
  std::string shown;
  for (const auto& word : *words) shown += "[" + word + "]";
  return shown;
}

TEST_CASE("words are split at blanks") {
  CHECK(split("") == "");
  CHECK(split(" \t\n") == "");
  CHECK(split("a") == "[a]");
  CHECK(split("  a\tb\n c ") == "[a][b][c]");
}

TEST_CASE("quotes keep blanks and make empty words") {
  CHECK(split("'a b' \"c d\"") == "[a b][c d]");
  CHECK(split("a'b c'd") == "[ab cd]");
  CHECK(split("'' \"\" x") == "[][][x]");
  CHECK(split("'\"' \"'\"") == "[\"][']");
}

TEST_CASE("a backslash keeps the next character where a shell would") {
  CHECK(split("a\\ b") == "[a b]");
  CHECK(split("\\'") == "[']");
  CHECK(split("'a\\'") == "[a\\]");
  CHECK(split("\"a\\\"b\\\\c\\n\"") == "[a\"b\\c\\n]");
  CHECK(split("end\\") == "[end\\]");
}

TEST_CASE("a quote that is never closed is an error") {
  CHECK(split("a 'b") == "argv: the quote ' is never closed");
  CHECK(split("\"a\\\"") == "argv: the quote \" is never closed");
}

TEST_CASE("nothing is expanded") { CHECK(split("$HOME ~ * `ls` a;b|c") == "[$HOME][~][*][`ls`][a;b|c]"); }

}  // namespace
}  // namespace hobbes::descriptor
