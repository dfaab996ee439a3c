// SPDX-License-Identifier: Apache-2.0
// FakeNodeFiles: a tree of files as /sys and /proc of a small node have them. What is written stays as it was
// written; nothing behind it acts.
#pragma once

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/test_dir.hpp"
#include "kernel-bridge/linux/node_files.hpp"

namespace hobbes::bridge {

class FakeNodeFiles {
 public:
  [[nodiscard]] NodeFiles files() const {
    return NodeFiles(dir_.path(), [refused = refused_](const std::filesystem::path& file) {
      return refused->contains(file) ? EBUSY : 0;
    });
  }

  void put(const std::filesystem::path& file, std::string_view text) const {
    std::filesystem::create_directories((dir_.path() / file).parent_path());
    std::ofstream(dir_.path() / file) << text << '\n';
  }
  /// Writes to it are refused from now on.
  void refuse(const std::filesystem::path& file) const { refused_->insert(file); }
  void put_link(const std::filesystem::path& link, const std::filesystem::path& target) const {
    std::filesystem::create_directories((dir_.path() / link).parent_path());
    std::filesystem::create_symlink(target, dir_.path() / link);
  }
  void remove(const std::filesystem::path& file) const { std::filesystem::remove(dir_.path() / file); }
  [[nodiscard]] std::string get(const std::filesystem::path& file) const { return files().read(file).value(); }

 private:
  const TestDir dir_;
  const std::shared_ptr<std::set<std::filesystem::path>> refused_ = std::make_shared<std::set<std::filesystem::path>>();
};

}  // namespace hobbes::bridge
