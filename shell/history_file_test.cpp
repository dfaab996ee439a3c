// SPDX-License-Identifier: Apache-2.0
#include "shell/history_file.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "base/test_dir.hpp"

namespace hobbes::shell {
namespace {

/// A variable of the environment as a test wants it, and as it was afterwards.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) before_ = old;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }

 private:
  void set(const char* value) { value != nullptr ? setenv(name_, value, 1) : unsetenv(name_); }

  const char* name_;
  std::optional<std::string> before_;
};

TEST_CASE("the history is kept in the user's state directory, which is made") {
  const TestDir dir;
  const Variable home("HOME", dir.path().c_str());
  {
    const Variable state("XDG_STATE_HOME", nullptr);
    CHECK(history_file() == dir.path() / ".local/state/hobbes/history");
    CHECK(std::filesystem::is_directory(dir.path() / ".local/state/hobbes"));
  }
  const std::string chosen = dir.path() / "chosen";
  const Variable state("XDG_STATE_HOME", chosen.c_str());
  CHECK(history_file() == dir.path() / "chosen/hobbes/history");
}

TEST_CASE("without a place for it there is no history file") {
  const Variable home("HOME", nullptr);
  {
    const Variable state("XDG_STATE_HOME", "not/absolute");
    CHECK(history_file().empty());
  }
  const Variable state("XDG_STATE_HOME", "/dev/null");
  CHECK(history_file().empty());
}

}  // namespace
}  // namespace hobbes::shell
