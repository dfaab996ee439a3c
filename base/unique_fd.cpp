// SPDX-License-Identifier: Apache-2.0
#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace hobbes {

void UniqueFd::reset(int fd) {
  // close() is not retried on EINTR: Linux has released the number by then.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<UniqueFd> UniqueFd::duplicate() const {
  const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return last_errno("duplicate a file descriptor");
  return UniqueFd(copy);
}

}  // namespace hobbes
