// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/run_files.hpp"

#include <catch2/catch.hpp>

#include <fstream>

#include "base/test_dir.hpp"

namespace hobbes::bridge {

TEST_CASE("a run directory without a boot names no process", "[hosted]") {
  const TestDir dir;
  const RunFiles files(dir.path());
  CHECK(files.init().error().code() == Code::not_found);
  CHECK(files.log_tail().empty());
  CHECK(files.remove());
}

TEST_CASE("init is found by the line that was kept of it", "[hosted]") {
  const TestDir dir;
  const RunFiles files(dir.path());
  const auto leave = [&files](std::string_view text) { REQUIRE(files.record_init(text)); };
  SECTION("a program may call itself anything") {
    leave("4711 (a) R 1 (b) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3\n");
    CHECK(files.init().value() == ProcessId{4711, 987654});
  }
  SECTION("half a line is not believed") {
    leave("4711 (a) S 1 4711");
    CHECK(files.init().error().code() == Code::corrupt);
  }
  REQUIRE(files.remove());
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("what an enclave wrote becomes one line of text, the last of it", "[hosted]") {
  const TestDir dir;
  const RunFiles files(dir.path());
  std::ofstream(dir.path() / "boot.log") << std::string(10'000, 'x') << "one\ntwo\x1b[2J\n";
  const std::string tail = files.log_tail();
  CHECK(tail.ends_with("one two [2J"));
  CHECK(tail.size() < 1000);
}

}  // namespace hobbes::bridge
