// SPDX-License-Identifier: Apache-2.0
// Devfs: /dev. Adding a device: a row of its table in devfs.cpp.
#pragma once

#include "cokernel/kernel/fs/file_system.hpp"

namespace hobbes::lwk::fs {

class Devfs : public FileSystem {
 public:
  /// `host` serves /dev/tty.
  explicit Devfs(FileSystem& host) : host_(host) {}
  int follow(const Caller& caller, const char* path, bool last, char* target, size_t& directory) override;
  int open(const Caller& caller, const char* path, uint32_t flags, uint32_t mode, FileRef& file) override;
  int status(const Caller& caller, const char* path, bool follow, FileStatus& status) override;
  Sysret read_link(const Caller& caller, const char* path, char* to, uint64_t size) override;
  int usage(const Caller& caller, const char* path, LinuxStatfs& usage) override;

 private:
  [[nodiscard]] int list(uint32_t flags, FileRef& file);

  FileSystem& host_;
};

}  // namespace hobbes::lwk::fs
