// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/options.hpp"

#include <catch2/catch.hpp>

using namespace hobbes;
using namespace hobbes::leviathan::pmi;

TEST_CASE("a server's options come back from its arguments", "[pmi]") {
  const auto options = parse_options(to_arguments({.run_dir = "/run/x", .app = AppId(7), .parts = {2, 3}}));
  REQUIRE(options);
  CHECK(options->run_dir == "/run/x");
  CHECK(options->app == AppId(7));
  CHECK(options->parts == std::vector<std::uint32_t>{2, 3});
  CHECK_FALSE(parse_options({"/run/x", "7"}));
  CHECK_FALSE(parse_options({"/run/x", "7", "0"}));
}
