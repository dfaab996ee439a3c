// SPDX-License-Identifier: Apache-2.0
// NodeFiles: the small files of /sys and /proc through which Linux is asked to change, below a root that is "/" but in
// tests.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace hobbes::bridge {

class NodeFiles {
 public:
  /// A test's stand-in for the kernel's refusals: the errno of a write, 0 to let it through. `file` is relative.
  using Refuse = std::function<int(const std::filesystem::path& file)>;

  explicit NodeFiles(std::filesystem::path root = "/", Refuse refuse = {})
      : root_(std::move(root)), refuse_(std::move(refuse)) {}

  /// Its first line. `file` is relative to the root.
  [[nodiscard]] Result<std::string> read(const std::filesystem::path& file) const;
  /// One write, as the kernel wants it, whose refusal is the error.
  [[nodiscard]] Status write(const std::filesystem::path& file, std::string_view text) const;
  [[nodiscard]] bool exists(const std::filesystem::path& file) const;
  /// The numbers N of the entries "<prefix>N" of a directory, ascending; none when it is not there.
  [[nodiscard]] std::vector<std::uint64_t> numbered(const std::filesystem::path& directory,
                                                    std::string_view prefix) const;
  /// The names in a directory, in order; none when it is not there.
  [[nodiscard]] std::vector<std::string> names(const std::filesystem::path& directory) const;
  /// The last part of what a symbolic link points to; nothing when there is none.
  [[nodiscard]] std::optional<std::string> link_name(const std::filesystem::path& link) const;

 private:
  std::filesystem::path root_;
  Refuse refuse_;
};

}  // namespace hobbes::bridge
