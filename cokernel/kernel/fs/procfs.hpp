// SPDX-License-Identifier: Apache-2.0
// Procfs: /proc. Contents are made when a file is opened. Adding a file: a row of a table in proc_texts.cpp.
#pragma once

#include "cokernel/kernel/fs/file_system.hpp"

namespace hobbes::lwk::fs {

class Procfs : public FileSystem {
 public:
  int follow(const Caller& caller, const char* path, bool last, char* target, size_t& directory) override;
  int open(const Caller& caller, const char* path, uint32_t flags, uint32_t mode, FileRef& file) override;
  int status(const Caller& caller, const char* path, bool follow, FileStatus& status) override;
  Sysret read_link(const Caller& caller, const char* path, char* to, uint64_t size) override;
  int usage(const Caller& caller, const char* path, LinuxStatfs& usage) override;
};

}  // namespace hobbes::lwk::fs
