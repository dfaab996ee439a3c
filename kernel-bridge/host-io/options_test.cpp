// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/options.hpp"

#include <catch2/catch.hpp>

namespace hobbes::host_io {
namespace {

std::string refusal(std::vector<std::string> arguments) {
  const Result<Options> options = parse_options(arguments);
  return options ? "accepted" : options.error().text();
}

TEST_CASE("what to_arguments writes parse_options reads", "[host-io]") {
  Options options;
  options.channel = 0x100001000;
  options.blocks = {{.base = 0x100000000, .size = mib(128), .fd = 7}, {.base = 0x108000000, .size = mib(2), .fd = 9}};
  options.mode = Mode::files;
  options.root = "/srv/data";
  options.app = 4711;
  options.user = User{1000, 100, {100, 27}};
  options.cwd = "/home/ada";
  options.close_from = 5;
  options.owner = 1000;
  options.poll = std::chrono::microseconds(0);

  const Result<Options> read = parse_options(to_arguments(options));
  REQUIRE(read);
  CHECK(read->channel == options.channel);
  CHECK(read->blocks == options.blocks);
  CHECK(read->mode == options.mode);
  CHECK(read->root == options.root);
  CHECK(read->app == options.app);
  CHECK(read->user == options.user);
  CHECK(read->cwd == options.cwd);
  CHECK(read->close_from == options.close_from);
  CHECK(read->owner == options.owner);
  CHECK(read->poll == options.poll);
}

TEST_CASE("a wrong argument is named", "[host-io]") {
  const std::vector<std::string> good = {"--channel", "4096", "--block", "0:4096:3"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), good.begin(), good.end());
    return refusal(more);
  };
  CHECK(with({}) == "accepted");
  CHECK(with({"--mode"}) == "--mode: its value is missing");
  CHECK(with({"--mode", "some"}) == "--mode: some: not one of none, files, all");
  CHECK(with({"--root", "srv"}) == "--root: srv: not an absolute path");
  CHECK(with({"--block", "1:2"}) == "--block: 1:2: not <base>:<size>:<fd>");
  CHECK(with({"--user", "7"}) == "--user: 7: not <uid>:<gid>[:<group>]...");
  CHECK_THAT(with({"--user", "7:x"}), Catch::Contains("--user"));
  CHECK(with({"--speed", "1"}) == "unknown option: --speed");
  CHECK_THAT(with({"--block", "x:4096:3"}), Catch::Contains("--block: base"));
  CHECK(refusal({"--channel", "4096"}) == "--block is missing");
  CHECK(refusal({"--block", "0:4096:3"}) == "--channel is missing");
  CHECK_THAT(refusal({"--channel", "0", "--block", "0:4096:3"}), Catch::Contains("--channel"));
  CHECK(refusal({"--channel", "later", "--block", "0:4096:3"}) == "accepted");
}

}  // namespace
}  // namespace hobbes::host_io
