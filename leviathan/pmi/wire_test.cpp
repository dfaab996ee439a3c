// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/wire.hpp"

#include <catch2/catch.hpp>

using namespace hobbes;
using namespace hobbes::leviathan::pmi;

TEST_CASE("a request is read whole, in whatever pieces it comes", "[pmi]") {
  RequestReader reader;
  REQUIRE(reader.add("cmd=put kvsname=job_1 k"));
  CHECK_FALSE(reader.take());
  REQUIRE(reader.add("ey=a  value=b=c\ncmd=barrier_in\ncmd=ge"));
  const auto put = reader.take();
  REQUIRE(put);
  CHECK(put->command == "put");
  CHECK((*put)["kvsname"] == "job_1");
  CHECK((*put)["key"] == "a");
  CHECK((*put)["value"] == "b=c");
  CHECK((*put)["colour"].empty());
  CHECK(reader.take()->command == "barrier_in");
  CHECK_FALSE(reader.take());
}

TEST_CASE("a request of several lines is one", "[pmi]") {
  RequestReader reader;
  REQUIRE(reader.add("mcmd=spawn\nnprocs=2\nexecname=./a.out\n"));
  CHECK_FALSE(reader.take());
  REQUIRE(reader.add("endcmd\n"));
  const auto spawn = reader.take();
  REQUIRE(spawn);
  CHECK(spawn->command == "spawn");
  CHECK((*spawn)["nprocs"] == "2");
}

TEST_CASE("what is no request is an error", "[pmi]") {
  RequestReader reader;
  SECTION("another word in front") { CHECK_FALSE(reader.add("get_maxes\n")); }
  SECTION("nothing") { CHECK_FALSE(reader.add("\n")); }
  SECTION("no end") { CHECK_FALSE(reader.add("cmd=" + std::string(max_request, 'x'))); }
  SECTION("no end of several lines") {
    std::string lines = "mcmd=spawn\n";
    for (std::size_t i = 0; i < max_request; i += 4) lines += "a=1\n";
    CHECK_FALSE(reader.add(lines));
  }
}

TEST_CASE("an answer is one line, blanks in it are underscores", "[pmi]") {
  CHECK(answer("barrier_out") == "cmd=barrier_out\n");
  CHECK(answer("get_result", {{"rc", "-1"}, {"msg", "there is\nnone"}}) == "cmd=get_result rc=-1 msg=there_is_none\n");
}
