// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/call.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bitset>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace hobbes::host_io {

std::int64_t Call::perform() {
  row_ = find_call(request_.nr);
  if (row_ == nullptr) return -ENOSYS;
  if (row_->needs > environment_.mode) return -EPERM;
  if (const int refused = check_arguments(); refused != 0) return refused;
  const std::int64_t result = row_->handler != nullptr ? (this->*row_->handler)() : make_call();
  return row_->makes_fd ? own_new_fd(result) : result;
}

int Call::check_arguments() {
  for (std::size_t i = 0; i < row_->args.size(); ++i) {
    if (const int refused = check_argument(i); refused != 0) return refused;
  }
  return 0;
}

int Call::check_argument(std::size_t i) {
  const Arg& arg = row_->args[i];
  switch (arg.kind) {
    case ArgKind::value: return 0;
    case ArgKind::fd:
      if (const int refused = check_fd(i); refused != 0) return refused;
      return row_->alters ? hold_below_root(i) : 0;
    case ArgKind::at:
      // Linux ignores the descriptor of an absolute path; -1 is EBADF where it does not.
      if (number(i) != AT_FDCWD && check_fd(i) != 0) args_[i] = -1;
      return 0;
    case ArgKind::path:
      if (environment_.root.confines()) return confine_path(i);
      return address(i) == 0 || pins_.cover(address(i), 1) ? 0 : -EFAULT;
    case ArgKind::text: return pins_.cover(address(i), 1) ? 0 : -EFAULT;
    case ArgKind::buffer: return pins_.cover(address(i), address(i + 1)) ? 0 : -EFAULT;
    case ArgKind::record: return check_record(i, arg);
    case ArgKind::null: args_[i] = 0; return 0;
  }
  return -ENOSYS;
}

int Call::check_fd(std::size_t i) const { return environment_.fds.contains(number(i)) ? 0 : -EBADF; }

/// Whoever gave a file of outside the root as a standard descriptor gave what can be done with it by reading and writing,
/// and no more: with its owner's rights its mode could be changed even through one that was opened for reading. The
/// call is made on a copy that the application cannot exchange for another.
int Call::hold_below_root(std::size_t i) {
  if (!environment_.root.confines()) return 0;
  held_.reset(::fcntl(number(i), F_DUPFD_CLOEXEC, 0));
  if (!held_) return -errno;
  args_[i] = held_.get();
  return environment_.root.holds(held_.get()) ? 0 : -EPERM;
}

int Call::check_record(std::size_t i, const Arg& arg) {
  return address(i) == 0 || pins_.cover(address(i), arg.size) ? 0 : -EFAULT;
}

bool Call::follows() const {
  if (path_count_ != 0) return false;
  const std::string_view path = scratch_.text.data();
  const int flags = number(row_->flags_arg);
  switch (row_->follow) {
    case Follow::never: return false;
    case Follow::always: return true;
    case Follow::unless_flag: return (flags & AT_SYMLINK_NOFOLLOW) == 0 || path.ends_with('/');
    case Follow::if_flag: return (flags & AT_SYMLINK_FOLLOW) != 0;
  }
  return false;
}

int Call::confine_path(std::size_t i) {
  const bool has_at = i > 0 && row_->args[i - 1].kind == ArgKind::at;
  const int dirfd = has_at ? number(i - 1) : AT_FDCWD;
  // No path, or an empty one: the call means the descriptor itself. The proxy's working directory may lie outside.
  const auto descriptor_itself = [&] { return row_->alters ? hold_below_root(i - 1) : 0; };
  if (address(i) == 0) return dirfd == AT_FDCWD ? -EFAULT : descriptor_itself();
  if (const int bad = pins_.copy_string(scratch_.text.data(), address(i), scratch_.text.size()); bad != 0) return bad;
  if (scratch_.text.front() == '\0') {
    pass(i, "");
    return dirfd == AT_FDCWD ? -ENOENT : descriptor_itself();
  }
  const bool follow = follows();
  SafePath& safe = paths_[path_count_++];
  const int refused = follow ? environment_.root.follow(dirfd, scratch_.text.data(), safe)
                             : environment_.root.keep(dirfd, scratch_.text.data(), safe);
  if (refused != 0) return refused;
  // The path is now a link to the object in /proc, to be followed even where a slash, not the flag, said so.
  if (follow && row_->follow == Follow::unless_flag) args_[row_->flags_arg] &= ~AT_SYMLINK_NOFOLLOW;
  if (has_at) args_[i - 1] = safe.dirfd;
  pass(i, safe.path.data());
  return 0;
}

std::int64_t Call::make_call() {
  const long result =
      ::syscall(static_cast<long>(request_.nr), args_[0], args_[1], args_[2], args_[3], args_[4], args_[5]);
  return result == -1 ? -errno : result;
}

std::int64_t Call::own_new_fd(std::int64_t result) {
  if (result >= 0) environment_.fds.add(static_cast<int>(result));
  return result;
}

std::int64_t Call::open() {
  // Never a controlling terminal: its hang-up would reach the proxy.
  const int flags = number(2) | O_NOCTTY;
  if (!environment_.root.confines()) {
    if (!pins_.cover(address(1), 1)) return -EFAULT;
    args_[2] = flags;
    return make_call();
  }
  if (const int bad = pins_.copy_string(scratch_.text.data(), address(1), scratch_.text.size()); bad != 0) return bad;
  return environment_.root.open_at(number(0), scratch_.text.data(), flags, static_cast<unsigned>(number(3)));
}

/// openat2 with whatever `resolve` the program asks for; below a root nothing it says leads out of there.
std::int64_t Call::open_how_said() {
  open_how how{};
  if (number(3) != sizeof how) return -E2BIG;
  if (address(2) == 0 || !pins_.copy_in(&how, address(2), sizeof how)) return -EFAULT;
  if (const int bad = pins_.copy_string(scratch_.text.data(), address(1), scratch_.text.size()); bad != 0) return bad;
  if ((how.flags & O_PATH) == 0) how.flags |= O_NOCTTY;
  if (environment_.root.confines()) return environment_.root.open_at(number(0), scratch_.text.data(), how);
  pass(1, scratch_.text.data());
  pass(2, &how);
  return make_call();
}

std::int64_t Call::close() {
  if (!environment_.fds.remove(number(0))) return -EBADF;
  return make_call();
}

/// Never a device: it would be a way out of the root.
std::int64_t Call::make_node() {
  const auto type = static_cast<mode_t>(args_[2]) & S_IFMT;
  return type == S_IFIFO || type == S_IFSOCK ? make_call() : -EPERM;
}

int Call::copy_iovs(std::uint64_t from, std::uint64_t count) {
  if (count > scratch_.iovs.size()) return -EINVAL;
  if (!pins_.copy_in(scratch_.iovs.data(), from, count * sizeof(iovec))) return -EFAULT;
  for (std::size_t i = 0; i < count; ++i) {
    const iovec& iov = scratch_.iovs[i];
    if (!pins_.cover(reinterpret_cast<std::uintptr_t>(iov.iov_base), iov.iov_len)) return -EFAULT;
  }
  return 0;
}

std::int64_t Call::vectored() {
  if (const int refused = copy_iovs(address(1), address(2)); refused != 0) return refused;
  pass(1, scratch_.iovs.data());
  return make_call();
}

std::int64_t Call::poll() {
  constexpr int ms_per_second = 1000;
  constexpr long ns_per_ms = 1'000'000;
  const int ms = number(2);
  if (ms < 0) return poll_set(nullptr);
  const timespec timeout{.tv_sec = ms / ms_per_second, .tv_nsec = ms % ms_per_second * ns_per_ms};
  return poll_set(&timeout);
}

std::int64_t Call::ppoll() {
  timespec timeout{};
  if (address(2) == 0) return poll_set(nullptr);
  if (!pins_.copy_in(&timeout, address(2), sizeof timeout)) return -EFAULT;
  return poll_set(&timeout);
}

std::int64_t Call::poll_set(const timespec* timeout) {
  const std::uint64_t set = address(0);
  const std::uint64_t count = address(1);
  if (count > scratch_.polls.size()) return -EINVAL;
  if (!pins_.copy_in(scratch_.polls.data(), set, count * sizeof(pollfd))) return -EFAULT;
  std::bitset<Scratch::max_polls> foreign;
  for (std::size_t i = 0; i < count; ++i) {
    pollfd& entry = scratch_.polls[i];
    foreign[i] = entry.fd >= 0 && !environment_.fds.contains(entry.fd);
    if (foreign[i]) entry.fd = -1;
  }
  constexpr timespec at_once{};
  const int ready = ::ppoll(scratch_.polls.data(), count, foreign.any() ? &at_once : timeout, nullptr);
  if (ready < 0) return -errno;
  for (std::size_t i = 0; i < count; ++i) {
    const short events = foreign[i] ? POLLNVAL : scratch_.polls[i].revents;
    if (!pins_.copy_out(set + i * sizeof(pollfd) + offsetof(pollfd, revents), &events, sizeof events)) return -EFAULT;
  }
  return ready + static_cast<std::int64_t>(foreign.count());
}

std::int64_t Call::wait_events() {
  const int room = number(2);
  if (room <= 0) return -EINVAL;
  if (!pins_.cover(address(1), static_cast<std::uint64_t>(room) * sizeof(epoll_event))) return -EFAULT;
  return make_call();
}

std::int64_t Call::watch() {
  // Below a root the path is a link to the object by now, which is to be followed.
  if (environment_.root.confines()) args_[2] &= ~static_cast<std::int64_t>(IN_DONT_FOLLOW);
  return make_call();
}

std::int64_t Call::request_call(const RequestRow* row, int unknown) {
  if (row == nullptr) return unknown;
  if (row->arg.kind == ArgKind::record) {
    if (const int refused = check_record(2, row->arg); refused != 0) return refused;
  }
  return row->makes_fd ? own_new_fd(make_call()) : make_call();
}

std::int64_t Call::ioctl() { return request_call(find_ioctl(static_cast<std::uint32_t>(args_[1])), -ENOTTY); }

std::int64_t Call::fcntl() {
  if (number(1) == F_SETFL) args_[2] &= ~O_ASYNC;  // asks for signals to the proxy
  return request_call(find_fcntl(static_cast<std::uint32_t>(args_[1])), -EINVAL);
}

}  // namespace hobbes::host_io
