// SPDX-License-Identifier: Apache-2.0
// eventfd: a counter that can be waited for.
#include "cokernel/kernel/fs/anonymous_file.hpp"
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/heap.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint32_t EFD_SEMAPHORE = 1;
constexpr uint64_t largest_count = UINT64_MAX - 1;

class EventFile final : public AnonymousFile {
 public:
  EventFile(uint64_t count, bool semaphore, uint32_t flags)
      : AnonymousFile(O_RDWR | flags), semaphore_(semaphore), count_(count) {}

  Sysret read(IoVector& to) override {
    uint64_t value = 0;
    if (to.left() < sizeof(value)) return -EINVAL;
    const auto take = [&] {
      Guard guard(lock_);
      if (count_ == 0) return false;
      value = semaphore_ ? 1 : count_;
      count_ -= value;
      return true;
    };
    if (const Sysret failed = wait_for(*this, queue_, take); failed != 0) return failed;
    queue_.wake_all(POLLOUT);
    return put_value(to, value);
  }

  Sysret write(IoVector& from) override {
    uint64_t value = 0;
    if (from.left() < sizeof(value)) return -EINVAL;
    if (!from.take(&value, sizeof(value))) return -EFAULT;
    if (value > largest_count) return -EINVAL;
    const auto add = [&] {
      Guard guard(lock_);
      if (value > largest_count - count_) return false;
      count_ += value;
      return true;
    };
    if (const Sysret failed = wait_for(*this, queue_, add); failed != 0) return failed;
    queue_.wake_all(POLLIN);
    return sizeof(value);
  }

  uint32_t poll() override {
    Guard guard(lock_);
    return flag_if(count_ > 0, POLLIN) | flag_if(count_ < largest_count, POLLOUT);
  }
  WaitQueue* queue() override { return &queue_; }

 private:
  const bool semaphore_;
  WaitQueue queue_;
  Mutex lock_;
  uint64_t count_;  ///< under lock_
};

Sysret create(Thread& self, uint64_t count, uint32_t flags) {
  if ((flags & ~(EFD_SEMAPHORE | O_NONBLOCK | O_CLOEXEC)) != 0) return -EINVAL;
  const FileRef file = FileRef::adopt(
      new (nothrow) EventFile(static_cast<uint32_t>(count), (flags & EFD_SEMAPHORE) != 0, flags & O_NONBLOCK));
  if (!file || file->set_path("anon_inode:[eventfd]") != 0) return -ENOMEM;
  return add_file(self, file, (flags & O_CLOEXEC) != 0);
}

}  // namespace

Sysret sys_eventfd(Thread& self, const Args& args) { return create(self, args[0], 0); }
Sysret sys_eventfd2(Thread& self, const Args& args) { return create(self, args[0], to_flags(args[1])); }

}  // namespace hobbes::lwk::fs
