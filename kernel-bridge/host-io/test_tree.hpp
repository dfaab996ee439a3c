// SPDX-License-Identifier: Apache-2.0
// TestTree: a temporary directory of a test, removed with everything in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace hobbes::host_io {

class TestTree {
 public:
  TestTree() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hobbes-host-io-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  TestTree(const TestTree&) = delete;
  TestTree& operator=(const TestTree&) = delete;
  ~TestTree() {
    std::error_code ignored;  // nothing a test could do
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::filesystem::path path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }
  /// "(none)" where there is no such file.
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(path_ / name);
    if (!file) return "(none)";
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace hobbes::host_io
