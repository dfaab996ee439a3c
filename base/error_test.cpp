// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <cerrno>

#include <catch2/catch.hpp>

using namespace hobbes;

TEST_CASE("an errno becomes a code, its text and its number", "[base]") {
  const Error error = errno_error(ENOENT, "open /nowhere");
  CHECK(error.code() == Code::not_found);
  CHECK(error.text() == "open /nowhere: No such file or directory");
  CHECK(error.sys_errno() == ENOENT);
}

TEST_CASE("context goes in front of the sentence", "[base]") {
  CHECK(Error(Code::invalid, "size is 0").in("app.xml:3").text() == "app.xml:3: size is 0");
}
