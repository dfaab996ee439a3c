// SPDX-License-Identifier: Apache-2.0
// AnonymousFile: what has a descriptor but no name: eventfd, timerfd, signalfd, epoll.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/signal.hpp"

namespace hobbes::lwk::fs {

class AnonymousFile : public File {
 public:
  explicit AnonymousFile(uint32_t flags) : File(flags) {}
  Sysret status(FileStatus& status) override {
    constexpr uint64_t anonymous_device = 0x10, the_inode = 1;  // Linux has one inode for all of them, too
    status.device = anonymous_device;
    status.inode = the_inode;
    status.mode = 0600;
    return 0;
  }
};

/// Reads and writes move whole values. -EINVAL: there is no room for one.
template <typename T>
[[nodiscard]] Sysret put_value(IoVector& to, const T& value) {
  return to.put(&value, sizeof(value)) ? static_cast<Sysret>(sizeof(value)) : -EFAULT;
}

/// Waits on `queue` until `try_once()` holds. 0, -EAGAIN (not to be waited for) or restart_call.
template <typename Try>
[[nodiscard]] Sysret wait_for(File& file, WaitQueue& queue, Try try_once) {
  if (try_once()) return 0;
  if (file.nonblocking()) return -EAGAIN;
  Waiter waiter(queue);
  return sleep_until(try_once, never) == Wake::signal ? restart_call : 0;
}

}  // namespace hobbes::lwk::fs
