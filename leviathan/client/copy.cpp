// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/copy.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

namespace hobbes::client {
namespace {

constexpr std::size_t step = 1 << 20;         // of one call of the kernel's copiers
constexpr std::size_t buffer_size = 256 * 1024;

bool again(int sys_errno) { return sys_errno == EAGAIN || sys_errno == EWOULDBLOCK; }

/// Waits until `fd` may be ready.
Status wait_for(int fd, short events, std::string_view what, int interrupt_fd) {
  std::array<pollfd, 2> polled{{{fd, events, 0}, {interrupt_fd, POLLIN, 0}}};
  ::poll(polled.data(), polled.size(), -1);  // a signal: the caller tries again and comes back
  if (polled[1].revents != 0) return errno_error(EINTR, what);
  return {};
}

/// Before a system call that would block: waits where it could be interrupted. Who cannot be interrupted just blocks.
Status before(int fd, short events, std::string_view what, int interrupt_fd) {
  return interrupt_fd < 0 ? Status() : wait_for(fd, events, what, interrupt_fd);
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
Result<bool> copy_in_kernel(int in, int out, std::uint64_t& copied, std::string_view what, int interrupt_fd) {
  const bool pipe = is_pipe(in) || is_pipe(out);
  while (true) {
    TRY(before(in, POLLIN, what, interrupt_fd));
    TRY(before(out, POLLOUT, what, interrupt_fd));
    const ssize_t count = kernel_step(in, out, pipe);
    if (count == 0) return true;
    if (count > 0) {
      copied += static_cast<std::uint64_t>(count);
    } else if (again(errno)) {
      TRY(wait_for(in, POLLIN, what, interrupt_fd));
      TRY(wait_for(out, POLLOUT, what, interrupt_fd));
    } else if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
      return false;
    } else if (errno != EINTR) {
      return last_errno(what);
    }
  }
}

}  // namespace

Status write_all(int fd, std::span<const std::byte> bytes, std::string_view what, int interrupt_fd) {
  while (!bytes.empty()) {
    TRY(before(fd, POLLOUT, what, interrupt_fd));
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (again(errno)) {
      TRY(wait_for(fd, POLLOUT, what, interrupt_fd));
    } else if (errno != EINTR) {
      return last_errno(what);
    }
  }
  return {};
}

Result<std::size_t> read_some(int fd, std::span<std::byte> buffer, std::string_view what, int interrupt_fd) {
  while (true) {
    TRY(before(fd, POLLIN, what, interrupt_fd));
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (again(errno)) {
      TRY(wait_for(fd, POLLIN, what, interrupt_fd));
    } else if (errno != EINTR) {
      return last_errno(what);
    }
  }
}

Result<std::uint64_t> copy_all(int in, int out, std::string_view what, int interrupt_fd) {
  std::uint64_t copied = 0;
  if (TRY(copy_in_kernel(in, out, copied, what, interrupt_fd))) {
    // Files of /proc and the like claim to be empty to the kernel's copiers: only a read tells.
    if (copied > 0) return copied;
  }
  std::vector<std::byte> buffer(buffer_size);
  while (const std::size_t count = TRY(read_some(in, buffer, what, interrupt_fd))) {
    TRY(write_all(out, std::span(buffer).first(count), what, interrupt_fd));
    copied += count;
  }
  return copied;
}

}  // namespace hobbes::client
