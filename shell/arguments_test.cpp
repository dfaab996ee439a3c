// SPDX-License-Identifier: Apache-2.0
#include "shell/arguments.hpp"

#include <array>
#include <catch2/catch.hpp>

namespace hobbes::shell {
namespace {

constexpr std::array options = {
    Option{.name = "size", .letter = 's', .kind = Kind::mebibytes, .value = "MiB", .text = "", .min = 4096},
    Option{.name = "np", .kind = Kind::number, .value = "N", .text = "", .min = 1, .max = 8},
    Option{.name = "numa", .letter = 'n', .kind = Kind::numa, .value = "NODE", .text = ""},
    Option{.name = "cpulist", .kind = Kind::cpus, .value = "LIST", .text = ""},
    Option{.name = "detach", .letter = 'd', .text = ""},
};
constexpr std::array operands = {Operand{.name = "enclave"},
                                 Operand{.name = "count", .kind = Kind::number, .optional = true}};
constexpr std::array program_operands = {Operand{.name = "enclave"}};
constexpr Command plain{.name = "plain", .summary = "", .operands = operands, .options = options};
constexpr Command launch{
    .name = "launch", .summary = "", .operands = program_operands, .options = options, .program = "exe"};

Result<Arguments> parse(const Command& command, const std::vector<std::string>& words) {
  return Arguments::parse(command, words);
}

std::string refused(const Command& command, const std::vector<std::string>& words) {
  const auto arguments = parse(command, words);
  return arguments ? "accepted" : arguments.error().text();
}

TEST_CASE("options may stand before, between and behind operands") {
  using Words = std::vector<std::string>;
  for (const auto& words : {Words{"-s", "2", "kitten", "3"}, Words{"kitten", "--size", "2", "3"},
                            Words{"kitten", "3", "--size=2"}, Words{"kitten", "3", "-s2"},
                            Words{"-size", "2M", "kitten", "3"}}) {
    const auto arguments = parse(plain, words);
    REQUIRE(arguments);
    CHECK(arguments->text("enclave") == "kitten");
    CHECK(arguments->number("count") == 3U);
    CHECK(arguments->size("size") == mib(2));
    CHECK_FALSE(arguments->has("detach"));
  }
}

TEST_CASE("values are typed") {
  const auto arguments = parse(plain, {"-n", "-1", "--cpulist", "0-2,5", "-np", "4", "-d", "kitten"});
  REQUIRE(arguments);
  CHECK(arguments->numa("numa") == any_numa);
  CHECK(arguments->cpus("cpulist").size() == 4);
  CHECK(arguments->number("np") == 4U);
  CHECK(arguments->has("detach"));
  CHECK_FALSE(arguments->number("count"));
}

TEST_CASE("the first word behind the operands starts the program, and its options are its own") {
  const auto arguments = parse(launch, {"-d", "kitten", "-np", "2", "/bin/ls", "-l", "--np", "--", "-d"});
  REQUIRE(arguments);
  CHECK(arguments->number("np") == 2U);
  CHECK(arguments->program() == std::vector<std::string>{"/bin/ls", "-l", "--np", "--", "-d"});
}

TEST_CASE("-- ends the options, so that a program may be called -x") {
  const auto arguments = parse(launch, {"kitten", "--", "-x", "-y"});
  REQUIRE(arguments);
  CHECK(arguments->program() == std::vector<std::string>{"-x", "-y"});
}

TEST_CASE("what does not fit the row is refused with a sentence") {
  CHECK(refused(plain, {}) == "missing <enclave>");
  CHECK(refused(plain, {"a", "1", "b"}) == "unexpected 'b'");
  CHECK(refused(plain, {"a", "one"}) == "count 'one' is not a number");
  CHECK(refused(plain, {"a", "1x"}) == "count '1x' is not a number");
  CHECK(refused(plain, {""}) == "enclave is empty");
  CHECK(refused(plain, {"-x", "a"}) == "unknown option '-x'");
  CHECK(refused(plain, {"--sizes", "1", "a"}) == "unknown option '--sizes'");
  CHECK(refused(plain, {"a", "-s"}) == "--size needs a value: MiB");
  CHECK(refused(plain, {"a", "-s", "2", "--size", "3"}) == "--size is given twice");
  CHECK(refused(plain, {"a", "-d=1"}) == "--detach takes no value");
  CHECK(refused(plain, {"a", "-s", "0"}) == "--size '0' is out of range");
  CHECK(refused(plain, {"a", "-s", "-3"}) == "--size '-3' is not a size (a number, with K, M, G or T behind it)");
  CHECK(refused(plain, {"a", "-np", "9"}) == "--np '9' must be from 1 to 8");
  CHECK(refused(plain, {"a", "-np", "99999999999999999999"}) == "--np '99999999999999999999' is out of range");
  CHECK(refused(plain, {"a", "-n", "zero"}) == "--numa 'zero' is not a number");
  CHECK(refused(plain, {"a", "--cpulist", "3-1"}) == "--cpulist '3-1' is not a list of CPUs like 0-3,8");
}

TEST_CASE("--help needs no operands") {
  const auto arguments = parse(plain, {"--help"});
  REQUIRE(arguments);
  CHECK(arguments->has("help"));
}

}  // namespace
}  // namespace hobbes::shell
