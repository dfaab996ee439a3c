// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace hobbes::lwk::fs {
namespace {

std::string normalised(const char* base, const char* path) {
  PathText to;
  const int error = normalise_path(base, path, to.text());
  return error == 0 ? to.text() : "error " + std::to_string(-error);
}

TEST_CASE("a path becomes absolute and loses what leads nowhere", "[path]") {
  CHECK(normalised("/", "/") == "/");
  CHECK(normalised("/home/me", "a") == "/home/me/a");
  CHECK(normalised("/home/me", "./a/../b//c/.") == "/home/me/b/c");
  CHECK(normalised("/home/me", "..") == "/home");
  CHECK(normalised("/home/me", "/usr//lib/") == "/usr/lib");
  CHECK(normalised("/", "") == "error 2");
}

TEST_CASE("'..' never leads above the root", "[path]") {
  CHECK(normalised("/", "..") == "/");
  CHECK(normalised("/a", "../../../b") == "/b");
  CHECK(normalised("/", "/../../etc/../..") == "/");
}

TEST_CASE("a path that does not fit is refused", "[path]") {
  const std::string longest(path_limit - 2, 'x');
  CHECK(normalised("/", longest.c_str()) == "/" + longest);
  CHECK(normalised("/", (longest + "x").c_str()) == "error 36");
}

TEST_CASE("only a final slash or dots insist on a directory", "[path]") {
  CHECK(names_directory("a/"));
  CHECK(names_directory("a/."));
  CHECK(names_directory(".."));
  CHECK_FALSE(names_directory("a"));
  CHECK_FALSE(names_directory("a/.b"));
}

TEST_CASE("a prefix ends at a component", "[path]") {
  CHECK(std::string(path_below("/tmp/a", "/tmp")) == "/a");
  CHECK(std::string(path_below("/tmp", "/tmp")).empty());
  CHECK(path_below("/tmpa", "/tmp") == nullptr);
}

}  // namespace
}  // namespace hobbes::lwk::fs
