// SPDX-License-Identifier: Apache-2.0
#include "shell/shell.hpp"

#include <catch2/catch.hpp>

#include "shell/command_table.hpp"
#include "shell/fake_client.hpp"

namespace hobbes::shell {
namespace {

TEST_CASE("help names every command and needs no leviathan") {
  for (const auto& words : {std::vector<std::string>{"help"}, {"--help"}, {"-h"}}) {
    const auto outcome = run_shell(words);
    CHECK(outcome.status == 0);
    CHECK(fake_client().requests.empty());
    for (const Command& command : commands())
      CHECK_THAT(outcome.out, Catch::Contains("  " + std::string(command.name) + " "));
  }
}

TEST_CASE("help of one command can be asked for in three ways") {
  const auto expected = run_shell({"help", "cat_file"}).out;
  CHECK_THAT(expected, Catch::StartsWith("Usage: hobbes cat_file <enclave> <path>\n"));
  CHECK(run_shell({"cat_file", "--help"}).out == expected);
  CHECK(run_shell({"cat_file", "kitten", "-h"}).out == expected);
  CHECK(run_shell({"help", "cat"}).status == 1);
}

TEST_CASE("an unknown command is a usage error that names the nearest one") {
  const auto outcome = run_shell({"list_enclave"});
  CHECK(outcome.status == 2);
  CHECK(outcome.err == "hobbes: unknown command 'list_enclave', did you mean 'list_enclaves'?\nTry 'hobbes help'.\n");
  CHECK(run_shell({"list_appsXYZ"}).status == 2);
  CHECK(run_shell({"frobnicate"}).err == "hobbes: unknown command 'frobnicate'\nTry 'hobbes help'.\n");
  CHECK(run_shell({""}).status == 2);
}

TEST_CASE("a usage error says what is wrong and asks nothing of leviathan") {
  const auto outcome = run_shell({"destroy_enclave"});
  CHECK(outcome.status == 2);
  CHECK(outcome.err == "hobbes: destroy_enclave: missing <enclave>\nTry 'hobbes help destroy_enclave'.\n");
  CHECK(fake_client().requests.empty());
  CHECK(run_shell({"--frobnicate"}).status == 2);
  CHECK(run_shell({"--run-dir"}).status == 2);
}

TEST_CASE("the run directory is given before or behind the command") {
  run_shell({"list_apps"});
  CHECK(fake_client().requests.front() == "open /default");
  run_shell({"--run-dir", "/x", "list_apps"});
  CHECK(fake_client().requests.front() == "open /x");
  run_shell({"--run-dir=/x", "list_apps"});
  CHECK(fake_client().requests.front() == "open /x");
  run_shell({"--run-dir", "/x", "list_apps", "--run-dir", "/y"});
  CHECK(fake_client().requests.front() == "open /y");
}

TEST_CASE("--version prints the version") { CHECK_THAT(run_shell({"--version"}).out, Catch::StartsWith("hobbes ")); }

TEST_CASE("output that cannot be written is a failure") {
  std::ostream broken(nullptr);
  std::ostringstream err;
  const std::vector<std::string> words = {"list_apps"};
  CHECK(run(words, broken, err) == 1);
  CHECK_THAT(err.str(), Catch::EndsWith("hobbes: cannot write to standard output\n"));
}

TEST_CASE("the completion script knows every command") {
  const auto outcome = run_shell({"completion", "bash"});
  CHECK(outcome.status == 0);
  for (const Command& command : commands())
    CHECK_THAT(outcome.out, Catch::Contains("    " + std::string(command.name) + ") options='"));
  CHECK(run_shell({"completion", "fish"}).status == 1);
}

}  // namespace
}  // namespace hobbes::shell
