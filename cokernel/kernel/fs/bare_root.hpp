// SPDX-License-Identifier: Apache-2.0
// BareRoot: "/" of those who have no host I/O: a directory with the enclave's own mounts and nothing else.
#pragma once

#include "cokernel/kernel/fs/file_system.hpp"

namespace hobbes::lwk::fs {

class BareRoot : public FileSystem {
 public:
  int open(const Caller& caller, const char* path, uint32_t flags, uint32_t mode, FileRef& file) override;
  int status(const Caller& caller, const char* path, bool follow, FileStatus& status) override;
  int change(const Caller&, const char*, bool, const Change&) override { return -EROFS; }
  int make_directory(const Caller&, const char*, uint32_t) override { return -EROFS; }
  int make_link(const Caller&, const char*, const char*) override { return -EROFS; }
  int usage(const Caller& caller, const char* path, LinuxStatfs& usage) override;
};

}  // namespace hobbes::lwk::fs
