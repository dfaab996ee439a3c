// SPDX-License-Identifier: Apache-2.0
// The source tree as the structure tests see it: its own files, without what is built or hidden.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hobbes::structure {

struct Include {
  std::string path;
  bool system = false;  ///< <...>
};

struct SourceFile {
  std::string path;  ///< from the root, '/' between
  std::vector<std::string> lines;

  [[nodiscard]] std::string folder() const;
  [[nodiscard]] std::string name() const;
  [[nodiscard]] bool is_test() const { return path.ends_with("_test.cpp"); }
  /// What only tests link: stand-ins for the world around the code.
  [[nodiscard]] bool supports_tests() const { return path.find("/testing/") != path.npos; }
  [[nodiscard]] std::vector<Include> includes() const;
};

/// Where the tree stands.
[[nodiscard]] std::filesystem::path root();
/// All C and C++ files, sorted.
[[nodiscard]] const std::vector<SourceFile>& sources();
/// All folders, from the root, sorted.
[[nodiscard]] const std::vector<std::string>& folders();
[[nodiscard]] std::string read_text(const std::filesystem::path& path);

/// Whether `path` is `folder` or below it.
[[nodiscard]] bool is_below(std::string_view path, std::string_view folder);

}  // namespace hobbes::structure
