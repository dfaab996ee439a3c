// SPDX-License-Identifier: Apache-2.0
// The allow list: every system call that host I/O forwards, one row a call, and the requests of those that have many.
// What is not in it is -ENOSYS. To forward another call, add its row; it needs a handler of its own (call.hpp) only if
// its memory holds pointers, descriptors or paths, or has a size that no argument tells.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kernel-bridge/host-io/mode.hpp"

namespace hobbes::host_io {

class Call;

enum class ArgKind : std::uint8_t {
  value,     ///< passed as it is; also an argument that is not there
  fd,        ///< a descriptor, which must be the application's
  at,        ///< the same or AT_FDCWD; the next argument is the path it belongs to
  path,      ///< a path that is looked up from the `at` before it, or from the working directory
  text,      ///< a string that is stored, not looked up
  buffer,    ///< memory; the next argument is its size
  record,    ///< memory of `size` bytes, or null
  null,      ///< passed as 0 whatever it says
};

struct Arg {
  ArgKind kind = ArgKind::value;
  std::uint16_t size = 0;  ///< record: bytes
};

/// Whether the last component of a row's first path is followed if it is a symbolic link (its other paths: never).
enum class Follow : std::uint8_t {
  never,
  always,
  unless_flag,  ///< unless AT_SYMLINK_NOFOLLOW is in `flags_arg`
  if_flag,      ///< if AT_SYMLINK_FOLLOW is in `flags_arg`
};

using Handler = std::int64_t (Call::*)();

struct CallRow {
  std::uint32_t nr = 0;
  std::string_view name;
  Mode needs = Mode::none;
  std::array<Arg, 6> args{};
  Follow follow = Follow::never;
  std::uint8_t flags_arg = 0;
  bool makes_fd = false;      ///< its result is a new descriptor of the application's
  bool alters = false;        ///< changes what Linux knows of a file (owner, mode, times, names), not what is in it
  Handler handler = nullptr;  ///< null: check the arguments by their kinds, make the call
};

/// The row of a system call, or null.
[[nodiscard]] const CallRow* find_call(std::uint32_t nr);

/// A request of ioctl(2) or a command of fcntl(2), and what its argument is.
struct RequestRow {
  std::uint32_t request = 0;
  Arg arg{};
  bool makes_fd = false;
};
[[nodiscard]] const RequestRow* find_ioctl(std::uint32_t request);
[[nodiscard]] const RequestRow* find_fcntl(std::uint32_t command);

/// Whether a socket option is plain data: no pointers, no programs.
[[nodiscard]] bool socket_option_allowed(int level, int name);

}  // namespace hobbes::host_io
