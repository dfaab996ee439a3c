// SPDX-License-Identifier: Apache-2.0
#include "shell/command_table.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "shell/arguments.hpp"
#include "shell/help.hpp"

namespace hobbes::shell {
namespace {

TEST_CASE("every row of the command table is complete and unique") {
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    INFO(command.name);
    CHECK(names.insert(command.name).second);
    CHECK_FALSE(command.summary.empty());
    CHECK_FALSE(command.summary.ends_with('.'));
    CHECK(command.handler != nullptr);
    CHECK(find_command(command.name) == &command);
    for (std::size_t i = 1; i < command.operands.size(); ++i)
      CHECK((command.operands[i].optional || !command.operands[i - 1].optional));
  }
}

TEST_CASE("the options of a command are complete and do not clash with each other or the common ones") {
  for (const Command& command : commands()) {
    std::set<std::string_view> names;
    std::set<char> letters;
    for (const auto options : {command.options, common_options()}) {
      for (const Option& option : options) {
        INFO(command.name << " --" << option.name);
        CHECK(names.insert(option.name).second);
        CHECK((option.letter == '\0' || letters.insert(option.letter).second));
        CHECK_FALSE(option.text.empty());
        CHECK((option.kind == Kind::none) == option.value.empty());
      }
    }
  }
}

TEST_CASE("every list command speaks JSON") {
  for (const Command& command : commands()) {
    if (!command.name.starts_with("list_")) continue;
    INFO(command.name);
    REQUIRE_FALSE(command.options.empty());
    CHECK(command.options[0].name == "json");
  }
}

/// The section of docs/commands.md headed by a command's name; empty if there is none.
std::string section_of(const std::string& page, std::string_view command) {
  const auto start = page.find("\n### " + std::string(command) + "\n");
  if (start == page.npos) return {};
  return page.substr(start, page.find("\n##", start + 1) - start);
}

TEST_CASE("docs/commands.md has a section for every command, with its operands and options") {
  std::ifstream file(HOBBES_SOURCE_ROOT "/docs/commands.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  std::size_t sections = 0;
  for (const Command& command : commands()) {
    INFO(command.name);
    const std::string section = section_of(page, command.name);
    CHECK_FALSE(section.empty());
    for (const Option& option : command.options)
      CHECK_THAT(section, Catch::Contains("--" + std::string(option.name)));
    for (const Operand& operand : command.operands)
      CHECK_THAT(section, Catch::Contains((operand.optional ? "" : "<") + std::string(operand.name)));
  }
  for (auto at = page.find("\n### "); at != page.npos; at = page.find("\n### ", at + 1)) ++sections;
  CHECK(sections == commands().size());
}

TEST_CASE("the help of a command is its usage, its summary and its options") {
  std::ostringstream help;
  print_help(help, *find_command("ping_enclave"));
  CHECK(help.str() ==
        "Usage: hobbes ping_enclave [-s BYTES] [-c N] <enclave>\n"
        "\n"
        "Ping an enclave.\n"
        "\n"
        "Options:\n"
        "  -s, --size BYTES            send so much (default 0)\n"
        "  -c, --count N               so many times (default 1)\n"
        "      --run-dir DIR           leviathan's run directory\n"
        "  -h, --help                  explain the command\n");
}

}  // namespace
}  // namespace hobbes::shell
