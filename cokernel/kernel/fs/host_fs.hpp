// SPDX-License-Identifier: Apache-2.0
// HostFs: the files of the host, through the calling application's proxy, which looks paths up below its root with the
// launching user's rights.
#pragma once

#include "cokernel/kernel/fs/file_system.hpp"

namespace hobbes::lwk::fs {

class HostFs : public FileSystem {
 public:
  int open(const Caller& caller, const char* path, uint32_t flags, uint32_t mode, FileRef& file) override;
  int status(const Caller& caller, const char* path, bool follow, FileStatus& status) override;
  int access(const Caller& caller, const char* path, uint32_t want, uint32_t flags) override;
  Sysret read_link(const Caller& caller, const char* path, char* to, uint64_t size) override;
  int change(const Caller& caller, const char* path, bool follow, const Change& change) override;
  int make_directory(const Caller& caller, const char* path, uint32_t mode) override;
  int make_link(const Caller& caller, const char* text, const char* path) override;
  int make_node(const Caller& caller, const char* path, uint32_t mode) override;
  int remove(const Caller& caller, const char* path, bool directory) override;
  int link(const Caller& caller, const char* from, const char* to, bool follow) override;
  int rename(const Caller& caller, const char* from, const char* to, uint32_t flags) override;
  int usage(const Caller& caller, const char* path, LinuxStatfs& usage) override;
  Sysret attribute(const Caller& caller, const char* path, bool follow, const AttributeRequest& request) override;
  Sysret watch(const Caller& caller, const char* path, HostFile& inotify, uint32_t mask) override;
};

}  // namespace hobbes::lwk::fs
