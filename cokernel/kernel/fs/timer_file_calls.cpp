// SPDX-License-Identifier: Apache-2.0
// timerfd: a timer that can be waited for. Nothing runs when it expires: who waits for it knows when it will
// (File::changes_at), and it counts its expirations when it is looked at.
#include "cokernel/kernel/fs/anonymous_file.hpp"
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/heap.hpp"

namespace hobbes::lwk::fs {
namespace {

enum Clock : uint32_t { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_BOOTTIME = 7 };
enum SetFlags : uint32_t { TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2 };

/// Linux's struct itimerspec.
struct TimerSetting {
  TimeSpec interval, value;
};

class TimerFile final : public AnonymousFile {
 public:
  TimerFile(uint32_t clock, uint32_t flags) : AnonymousFile(O_RDWR | flags), clock_(clock) {}

  Sysret read(IoVector& to) override {
    uint64_t ticks = 0;
    if (to.left() < sizeof(ticks)) return -EINVAL;
    const auto take = [&] {
      Guard guard(lock_);
      count_expirations();
      ticks = ticks_;
      ticks_ = 0;
      return ticks > 0;
    };
    if (take()) return put_value(to, ticks);
    if (nonblocking()) return -EAGAIN;
    Waiter waiter(queue_);
    while (true) {
      const int64_t due = changes_at();
      const Wake wake = sleep_until([&] { return take() || sooner(changes_at(), due) != due; }, due);
      if (ticks > 0 || take()) return put_value(to, ticks);
      if (wake == Wake::signal) return restart_call;
    }
  }

  uint32_t poll() override {
    Guard guard(lock_);
    count_expirations();
    return flag_if(ticks_ > 0, POLLIN);
  }
  WaitQueue* queue() override { return &queue_; }

  int64_t changes_at() override {
    Guard guard(lock_);
    if (expires_ns_ == never) return never;
    return max<int64_t>(clock_ == CLOCK_REALTIME ? expires_ns_ - realtime_offset_ns() : expires_ns_, 0);
  }
  [[nodiscard]] FileKind file_kind() const override { return FileKind::timer; }

  void set(const TimerSetting& setting, bool absolute, TimerSetting& before) {
    {
      Guard guard(lock_);
      before = setting_now();
      ticks_ = 0;
      interval_ns_ = to_ns(setting.interval);
      const int64_t value = to_ns(setting.value);
      expires_ns_ = value == 0 ? never : absolute ? value : now_ns() + value;
    }
    queue_.wake_all();  // who waits sleeps until another time now
  }

  TimerSetting get() {
    Guard guard(lock_);
    count_expirations();
    return setting_now();
  }

 private:
  [[nodiscard]] int64_t now_ns() const { return clock_ == CLOCK_REALTIME ? realtime_ns() : monotonic_ns(); }

  /// Under lock_.
  void count_expirations() {
    if (expires_ns_ == never) return;
    const int64_t late = now_ns() - expires_ns_;
    if (late < 0) return;
    const int64_t more = interval_ns_ == 0 ? 0 : late / interval_ns_;
    ticks_ += static_cast<uint64_t>(more) + 1;
    expires_ns_ = interval_ns_ == 0 ? never : expires_ns_ + (more + 1) * interval_ns_;
  }
  [[nodiscard]] TimerSetting setting_now() const {
    constexpr int64_t about_to = 1;  // armed, though its time has come
    const int64_t left = expires_ns_ == never ? 0 : max(expires_ns_ - now_ns(), about_to);
    return {to_time(interval_ns_), to_time(left)};
  }

  const uint32_t clock_;
  WaitQueue queue_;
  Mutex lock_;
  // Under lock_. Times are the timer's clock's.
  int64_t expires_ns_ = never, interval_ns_ = 0;
  uint64_t ticks_ = 0;
};

/// 0, -EBADF or -EINVAL.
int find_timer(Thread& self, uint64_t fd, FileRef& file) {
  file = file_of(self, fd);
  if (!file || file->path_only()) return -EBADF;
  return file->file_kind() == FileKind::timer ? 0 : -EINVAL;
}

}  // namespace

Sysret sys_timerfd_create(Thread& self, const Args& args) {
  const uint32_t clock = to_flags(args[0]), flags = to_flags(args[1]);
  if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME) return -EINVAL;
  if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) != 0) return -EINVAL;
  const FileRef file = FileRef::adopt(new (nothrow) TimerFile(clock, flags & O_NONBLOCK));
  if (!file || file->set_path("anon_inode:[timerfd]") != 0) return -ENOMEM;
  return add_file(self, file, (flags & O_CLOEXEC) != 0);
}

Sysret sys_timerfd_settime(Thread& self, const Args& args) {
  const uint32_t flags = to_flags(args[1]);
  TimerSetting setting, before;
  if (!read_user(args[2], setting)) return -EFAULT;
  // Nobody sets the clocks back and forth here, so TFD_TIMER_CANCEL_ON_SET has nothing to cancel.
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0) return -EINVAL;
  if (!is_valid(setting.interval) || !is_valid(setting.value)) return -EINVAL;
  FileRef file;
  if (const int error = find_timer(self, args[0], file); error != 0) return error;
  static_cast<TimerFile&>(*file).set(setting, (flags & TFD_TIMER_ABSTIME) != 0, before);
  return args[3] == 0 || write_user(args[3], before) ? 0 : -EFAULT;
}

Sysret sys_timerfd_gettime(Thread& self, const Args& args) {
  FileRef file;
  if (const int error = find_timer(self, args[0], file); error != 0) return error;
  return write_user(args[1], static_cast<TimerFile&>(*file).get()) ? 0 : -EFAULT;
}

}  // namespace hobbes::lwk::fs
