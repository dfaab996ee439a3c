// SPDX-License-Identifier: Apache-2.0
// RunDir: the run directory as the running daemon owns it: checked, locked against a second daemon.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace hobbes::leviathan {

/// Names below the run directory.
inline constexpr const char* socket_name = "leviathan.sock";
inline constexpr const char* lock_name = "leviathan.lock";
inline constexpr const char* enclaves_dir_name = "enclaves";

class RunDir {
 public:
  /// Makes the directory if it is missing (0750 with the readers' group where there is one and we may, else 0700), and
  /// locks it. denied: it belongs to somebody else, or others may write there. busy: another leviathan runs there; the
  /// sentence names its process.
  [[nodiscard]] static Result<RunDir> open(const std::filesystem::path& path,
                                           std::optional<gid_t> readers = std::nullopt);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Whether a leviathan's state is in it.
  [[nodiscard]] bool has_database() const;
  /// Takes away what leviathan made there, and the directory if nothing else is in it. Ends the lock. The database must be
  /// closed.
  void remove() &&;

 private:
  RunDir(std::filesystem::path path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  UniqueFd lock_;
};

}  // namespace hobbes::leviathan
