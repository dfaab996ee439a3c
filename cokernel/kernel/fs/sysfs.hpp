// SPDX-License-Identifier: Apache-2.0
// Sysfs: /sys/devices/system, with the enclave's CPUs. What else is in /sys is the host's.
#pragma once

#include "cokernel/kernel/fs/file_system.hpp"

namespace hobbes::lwk::fs {

class Sysfs : public FileSystem {
 public:
  int open(const Caller& caller, const char* path, uint32_t flags, uint32_t mode, FileRef& file) override;
  int status(const Caller& caller, const char* path, bool follow, FileStatus& status) override;
  int usage(const Caller& caller, const char* path, LinuxStatfs& usage) override;
};

}  // namespace hobbes::lwk::fs
