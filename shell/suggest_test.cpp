// SPDX-License-Identifier: Apache-2.0
#include "shell/suggest.hpp"

#include <catch2/catch.hpp>

#include "shell/command_table.hpp"

namespace hobbes::shell {
namespace {

std::string_view meant(std::string_view word) {
  const Command* command = nearest(word, commands());
  return command == nullptr ? "nothing" : command->name;
}

TEST_CASE("typing mistakes find the command that was meant") {
  CHECK(meant("list_enclave") == "list_enclaves");
  CHECK(meant("lst_apps") == "list_apps");
  CHECK(meant("create-enclave") == "create_enclave");
  CHECK(meant("hlep") == "help");
  CHECK(meant("list_cpu") == "list_cpus");
}

TEST_CASE("words that are near nothing find nothing") {
  CHECK(meant("frobnicate") == "nothing");
  CHECK(meant("") == "nothing");
  CHECK(meant(std::string(100'000, 'x')) == "nothing");
}

}  // namespace
}  // namespace hobbes::shell
