// SPDX-License-Identifier: Apache-2.0
// The run directory is ours alone, and one daemon's at a time.
#include "leviathan/run_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "base/test_dir.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

TEST_CASE("a missing run directory is made, closed to others", "[leviathan]") {
  const TestDir dir;
  const auto path = dir.path() / "run";
  const auto opened = RunDir::open(path);
  REQUIRE(opened);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & S_IRWXO) == 0);
}

TEST_CASE("a second daemon is refused with the process of the first", "[leviathan]") {
  const TestDir dir;
  const auto first = RunDir::open(dir.path());
  REQUIRE(first);
  const auto second = RunDir::open(dir.path());
  REQUIRE(!second);
  CHECK(second.error().code() == Code::busy);
  CHECK_THAT(second.error().text(), Catch::Contains("process " + std::to_string(::getpid())));
}

TEST_CASE("the lock goes with its holder", "[leviathan]") {
  const TestDir dir;
  { REQUIRE(RunDir::open(dir.path())); }
  CHECK(RunDir::open(dir.path()));
}

TEST_CASE("a run directory that others may write to is refused", "[leviathan]") {
  const TestDir dir;
  REQUIRE(::chmod(dir.path().c_str(), 0777) == 0);
  const auto opened = RunDir::open(dir.path());
  REQUIRE(!opened);
  CHECK(opened.error().code() == Code::denied);
}

TEST_CASE("a file is not a run directory", "[leviathan]") {
  const TestDir dir;
  const auto opened = RunDir::open("/proc/self/status");
  REQUIRE(!opened);
  CHECK(opened.error().code() == Code::invalid);
}

TEST_CASE("an orderly end leaves no run directory", "[leviathan]") {
  const TestDir dir;
  const auto path = dir.path() / "run";
  auto opened = RunDir::open(path);
  REQUIRE(opened);
  std::move(*opened).remove();
  CHECK(!std::filesystem::exists(path));
}
