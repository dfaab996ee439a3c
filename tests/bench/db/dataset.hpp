// SPDX-License-Identifier: Apache-2.0
// The records every contestant stores and looks up: a node full of enclaves, and a directory for their files.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "db/records.hpp"

namespace hobbes::bench {

struct Dataset {
  std::filesystem::path directory;       ///< in memory (/dev/shm); removed by its owner
  std::vector<db::Enclave> enclaves;     ///< ids 1, 2, ...
  std::vector<std::string> values;       ///< their bytes, as db/ encodes them
};

[[nodiscard]] Dataset make_dataset(std::filesystem::path directory, std::size_t enclaves);

/// A directory of its own, removed with everything in it.
class ScratchDirectory {
 public:
  [[nodiscard]] static Result<ScratchDirectory> create();
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace hobbes::bench
