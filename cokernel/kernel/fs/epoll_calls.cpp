// SPDX-License-Identifier: Apache-2.0
// epoll_create, epoll_ctl and the waits.
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/epoll.hpp"
#include "cokernel/kernel/fs/wait_mask.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
constexpr uint32_t exclusive_events = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

enum ControlOperation : uint64_t { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3 };

Sysret create(Thread& self, bool close_on_exec) {
  FileRef file;
  if (const int error = EpollFile::create(self.process->app, file); error != 0) return error;
  return add_file(self, file, close_on_exec);
}

/// What EPOLLEXCLUSIVE goes with.
bool may_be_exclusive(uint64_t operation, const File& file, uint32_t events) {
  return operation == EPOLL_CTL_ADD && file.file_kind() != FileKind::epoll && (events & ~exclusive_events) == 0;
}

Sysret wait(Thread& self, const Args& args, int64_t deadline_ns) {
  const auto room = static_cast<int32_t>(args[2]);
  if (room <= 0 || room > INT32_MAX / static_cast<int32_t>(sizeof(EpollEvent))) return -EINVAL;
  if (!is_user_range(args[1], static_cast<uint64_t>(room) * sizeof(EpollEvent))) return -EFAULT;
  const FileRef file = file_of(self, args[0]);
  if (!file || file->path_only()) return -EBADF;
  if (file->file_kind() != FileKind::epoll) return -EINVAL;
  EventWriter to(args[1], static_cast<uint32_t>(room));
  return static_cast<EpollFile&>(*file).wait(to, deadline_ns);
}

int64_t deadline_after_ms(uint64_t argument) {
  const auto ms = static_cast<int32_t>(argument);
  return ms < 0 ? never : ms == 0 ? 0 : monotonic_ns() + ms * ns_per_ms;
}

Sysret wait_masked(Thread& self, const Args& args, int64_t deadline_ns) {
  MaskWhileWaiting mask(self);
  if (const int error = mask.set(args[4], args[5]); error != 0) return error;
  return mask.finish(wait(self, args, deadline_ns));
}

}  // namespace

Sysret sys_epoll_create(Thread& self, const Args& args) {
  return static_cast<int32_t>(args[0]) <= 0 ? -EINVAL : create(self, false);
}

Sysret sys_epoll_create1(Thread& self, const Args& args) {
  const uint32_t flags = to_flags(args[0]);
  return (flags & ~O_CLOEXEC) != 0 ? -EINVAL : create(self, flags != 0);
}

Sysret sys_epoll_ctl(Thread& self, const Args& args) {
  const uint64_t operation = to_flags(args[1]);
  EpollEvent event{0, 0};
  if (operation != EPOLL_CTL_DEL && !read_user(args[3], event)) return -EFAULT;
  const FileRef epoll = file_of(self, args[0]);
  const FileRef file = file_of(self, args[2]);
  if (!epoll || epoll->path_only() || !file || file->path_only()) return -EBADF;
  if (!file->can_wait()) return -EPERM;
  if (epoll.get() == file.get() || epoll->file_kind() != FileKind::epoll) return -EINVAL;
  const bool exclusive = operation != EPOLL_CTL_DEL && (event.events & EPOLLEXCLUSIVE) != 0;
  if (exclusive && !may_be_exclusive(operation, *file, event.events)) return -EINVAL;
  auto& set = static_cast<EpollFile&>(*epoll);
  switch (operation) {
    case EPOLL_CTL_ADD: return set.add(*file, to_fd(args[2]), event);
    case EPOLL_CTL_DEL: return set.remove(*file, to_fd(args[2]));
    case EPOLL_CTL_MOD: return set.modify(*file, to_fd(args[2]), event);
    default: return -EINVAL;
  }
}

Sysret sys_epoll_wait(Thread& self, const Args& args) { return wait(self, args, deadline_after_ms(args[3])); }

Sysret sys_epoll_pwait(Thread& self, const Args& args) {
  return wait_masked(self, args, deadline_after_ms(args[3]));
}

Sysret sys_epoll_pwait2(Thread& self, const Args& args) {
  int64_t deadline_ns = never;
  if (args[3] != 0) {
    TimeSpec time;
    if (!read_user(args[3], time)) return -EFAULT;
    if (!is_valid(time)) return -EINVAL;
    deadline_ns = to_ns(time) == 0 ? 0 : monotonic_ns() + to_ns(time);
  }
  return wait_masked(self, args, deadline_ns);
}

}  // namespace hobbes::lwk::fs
