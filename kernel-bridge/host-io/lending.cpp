// SPDX-License-Identifier: Apache-2.0
// Lending a file to the enclave, which maps it: what the application may read and write by calls it may read and write in
// place. A mapping must not reach further than that, so only files are lent whose pages are what read and write show: not
// those of sysfs, where a "file" can be a device's registers, nor devices themselves.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <span>

#include "base/unique_fd.hpp"
#include "cmdqueue/fd_passing.hpp"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/host-io/call.hpp"

namespace hobbes::host_io {
namespace {

/// File systems of made-up files have no blocks; those in memory may have no limit of theirs, and look the same.
bool keeps_data(const struct statfs& system) {
  return system.f_blocks > 0 || system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
}

/// 0, or why it cannot be mapped.
int check_lendable(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_PATH) != 0) return -EBADF;
  if ((flags & O_ACCMODE) == O_WRONLY) return -EACCES;
  struct stat status{};
  struct statfs system{};
  if (::fstat(fd, &status) != 0 || ::fstatfs(fd, &system) != 0) return -errno;
  return S_ISREG(status.st_mode) && keeps_data(system) ? 0 : -ENODEV;
}

}  // namespace

std::int64_t Call::lend() {
  if (environment_.lender < 0) return -ENODEV;
  // A copy, which the application cannot exchange for another while it is looked at.
  const UniqueFd file(::fcntl(number(0), F_DUPFD_CLOEXEC, 0));
  if (!file) return -errno;
  if (const int refused = check_lendable(file.get()); refused != 0) return refused;
  const hobbes_hosted_lent message{address(1)};
  const int fds[] = {file.get()};
  const Status sent = cmdqueue::send_fds(environment_.lender, std::as_bytes(std::span(&message, 1)), fds);
  if (sent) return 0;
  return sent.error().sys_errno() == EAGAIN ? -ENFILE : -EIO;
}

}  // namespace hobbes::host_io
