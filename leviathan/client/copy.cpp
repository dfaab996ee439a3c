// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/copy.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

namespace hobbes::client {
namespace {

constexpr std::size_t step = 1 << 20;         // of one call of the kernel's copiers
constexpr std::size_t buffer_size = 256 * 1024;

bool again(int sys_errno) { return sys_errno == EAGAIN || sys_errno == EWOULDBLOCK; }

void wait_for(int fd, short events) {
  pollfd polled{fd, events, 0};
  ::poll(&polled, 1, -1);  // interrupted: the caller tries again and comes back
}

bool is_pipe(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode);
}

/// One step of the copy that these two descriptors allow.
ssize_t kernel_step(int in, int out, bool pipe) {
  return pipe ? ::splice(in, nullptr, out, nullptr, step, SPLICE_F_MOVE) : ::sendfile(out, in, nullptr, step);
}

/// Copies until the end or until the kernel says that it cannot: nothing then, and the descriptors stand where
/// `copied` says.
Result<bool> copy_in_kernel(int in, int out, std::uint64_t& copied, std::string_view what) {
  const bool pipe = is_pipe(in) || is_pipe(out);
  while (true) {
    const ssize_t count = kernel_step(in, out, pipe);
    if (count == 0) return true;
    if (count > 0) {
      copied += static_cast<std::uint64_t>(count);
    } else if (again(errno)) {
      wait_for(in, POLLIN);
      wait_for(out, POLLOUT);
    } else if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
      return false;
    } else if (errno != EINTR) {
      return last_errno(what);
    }
  }
}

}  // namespace

Status write_all(int fd, std::span<const std::byte> bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (again(errno)) {
      wait_for(fd, POLLOUT);
    } else if (errno != EINTR) {
      return last_errno(what);
    }
  }
  return {};
}

Result<std::size_t> read_some(int fd, std::span<std::byte> buffer, std::string_view what) {
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (again(errno)) {
      wait_for(fd, POLLIN);
    } else if (errno != EINTR) {
      return last_errno(what);
    }
  }
}

Result<std::uint64_t> copy_all(int in, int out, std::string_view what) {
  std::uint64_t copied = 0;
  if (TRY(copy_in_kernel(in, out, copied, what))) {
    // Files of /proc and the like claim to be empty to the kernel's copiers: only a read tells.
    if (copied > 0) return copied;
  }
  std::vector<std::byte> buffer(buffer_size);
  while (const std::size_t count = TRY(read_some(in, buffer, what))) {
    TRY(write_all(out, std::span(buffer).first(count), what));
    copied += count;
  }
  return copied;
}

}  // namespace hobbes::client
