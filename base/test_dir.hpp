// SPDX-License-Identifier: Apache-2.0
// TestDir: a directory of a test's own, gone with the test.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace hobbes {

class TestDir {
 public:
  TestDir() {
    std::string name = (std::filesystem::temp_directory_path() / "hobbes-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;
  ~TestDir() {
    std::error_code ignored;  // a leftover is a leftover: the test has said what it had to say
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// A new empty directory in it.
  [[nodiscard]] std::filesystem::path make(std::string_view name) const {
    std::filesystem::create_directories(path_ / name);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace hobbes
