// SPDX-License-Identifier: Apache-2.0
// The files that the hosted bridge keeps in an enclave's run directory.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "kernel-bridge/hosted/process.hpp"

namespace hobbes::bridge {

class RunFiles {
 public:
  explicit RunFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

  [[nodiscard]] std::filesystem::path socket() const { return directory_ / "machine.sock"; }
  /// Keeps the /proc/<pid>/stat line of the process that is about to become init.
  [[nodiscard]] Status record_init(std::string_view stat_line) const;
  /// What enclave processes write to stderr. New and empty.
  [[nodiscard]] Result<UniqueFd> create_log() const;

  /// The init process that a boot with this directory started; Code::not_found when there was none.
  [[nodiscard]] Result<ProcessId> init() const;
  /// The last of what enclave processes wrote, on one line; empty when they wrote nothing.
  [[nodiscard]] std::string log_tail() const;

  /// Removes the files; the directory is its owner's.
  [[nodiscard]] Status remove() const;

 private:
  [[nodiscard]] std::filesystem::path identity() const { return directory_ / "init.stat"; }
  [[nodiscard]] std::filesystem::path log() const { return directory_ / "boot.log"; }

  std::filesystem::path directory_;
};

}  // namespace hobbes::bridge
