// SPDX-License-Identifier: Apache-2.0
// The command line means what it says or is refused.
#include "leviathan/options.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

Result<CommandLine> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "leviathan");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

std::string refusal(std::vector<const char*> arguments) {
  const auto line = parse(std::move(arguments));
  if (line) return "accepted";
  CHECK(line.error().code() == Code::invalid);
  return line.error().text();
}

}  // namespace

TEST_CASE("without options leviathan runs with defaults", "[leviathan]") {
  const auto line = parse({});
  REQUIRE(line);
  CHECK(line->action == CommandLine::Action::run);
  CHECK(!line->options.block_size);
  CHECK(!line->options.memory);
  CHECK(!line->options.linux_cpus);
  CHECK(line->options.cpu_slots == 1);
  CHECK(!line->options.force);
  CHECK(!line->options.run_dir.empty());
}

TEST_CASE("every option reaches its place", "[leviathan]") {
  const auto line = parse({"--cpulist", "0,2-3", "--memory=2G", "--block-size", "4", "--run-dir", "/tmp/x",
                           "--overcommit-cpus", "4", "--bridge", "pisces", "--group", "root", "--admin-group", "4711",
                           "--force", "--log-level", "debug"});
  REQUIRE(line);
  const Options& options = line->options;
  CHECK(options.linux_cpus == std::vector{CpuId(0), CpuId(2), CpuId(3)});
  CHECK(options.memory == gib(2));
  CHECK(options.block_size == mib(4));
  CHECK(options.run_dir == "/tmp/x");
  CHECK(options.cpu_slots == 4);
  CHECK(options.overcommit);
  CHECK(options.readers->id == 0);
  CHECK(options.admins->id == 4711);
  CHECK(options.bridge == "pisces");
  CHECK(options.force);
  CHECK(options.log_level == log::Level::debug);
}

TEST_CASE("help and version win over a run", "[leviathan]") {
  CHECK(parse({"--help"})->action == CommandLine::Action::help);
  CHECK(parse({"--version"})->action == CommandLine::Action::version);
}

TEST_CASE("a wrong command line is refused with the option's name", "[leviathan]") {
  const auto [arguments, word] = GENERATE(table<std::vector<const char*>, const char*>({
      {{"--nonsense"}, "nonsense"},
      {{"operand"}, "operand"},
      {{"--memory"}, "memory"},
      {{"--memory", "12x"}, "--memory"},
      {{"--memory", "1", "--memory", "2"}, "memory"},
      {{"--mem", "1"}, "mem"},
      {{"--block-size", "3"}, "--block-size"},
      {{"--block-size", "0"}, "--block-size"},
      {{"--cpulist", "3-1"}, "--cpulist"},
      {{"--overcommit-cpus", "0"}, "--overcommit-cpus"},
      {{"--overcommit-cpus", "65"}, "--overcommit-cpus"},
      {{"--bridge", "kvm"}, "--bridge"},
      {{"--group", "no-such-group"}, "--group: group 'no-such-group'"},
      {{"--admin-group", "4294967296"}, "--admin-group"},
      {{"--log-level", "loud"}, "--log-level"},
      {{"--run-dir", ""}, "run-dir"},
  }));
  CHECK_THAT(refusal(arguments), Catch::Contains(word));
}

TEST_CASE("the help names every option", "[leviathan]") {
  for (const char* option : {"--cpulist", "--memory", "--block-size", "--run-dir", "--overcommit-cpus", "--bridge",
                             "--group", "--admin-group", "--force", "--log-level", "--version", "--help"}) {
    CHECK_THAT(help_text(), Catch::Contains(option));
  }
}
