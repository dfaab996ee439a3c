// SPDX-License-Identifier: Apache-2.0
#include "shell/line.hpp"

#include <catch2/catch.hpp>

namespace hobbes::shell {
namespace {

using Words = std::vector<std::string>;

Words words(std::string_view line) {
  const auto split = words_of_line(line);
  return split ? *split : Words{"refused:", split.error().text()};
}

TEST_CASE("a line is words, quoted as in a shell") {
  CHECK(words("launch_app kitten -- /bin/sh -c 'echo hello; exit 3'") ==
        Words{"launch_app", "kitten", "--", "/bin/sh", "-c", "echo hello; exit 3"});
  CHECK(words("  a\\ b \"c 'd'\" ''\t") == Words{"a b", "c 'd'", ""});
  CHECK(words("") == Words{});
  CHECK(words("a 'b") == Words{"refused:", "the line: the quote ' is never closed"});
}

TEST_CASE("a word that begins with a hash begins a comment, and nothing else does") {
  CHECK(words("# all of it") == Words{});
  CHECK(words("#!/usr/bin/env -S hobbes -f") == Words{});
  CHECK(words("list_apps # don't mind the quote") == Words{"list_apps"});
  CHECK(words("a#b c\\ #d '# e' \"# f\" \\#g #h") == Words{"a#b", "c #d", "# e", "# f", "#g"});
}

TEST_CASE("where a word begins is known by what stands before") {
  for (const auto* text : {"", "a ", "a  ", "'a b' ", "a\\\\ "}) CHECK(at_word_start(text));
  for (const auto* text : {"a", "a\\ ", "'a", "'a ", "\"a \\\" ", "''"}) CHECK_FALSE(at_word_start(text));
}

}  // namespace
}  // namespace hobbes::shell
