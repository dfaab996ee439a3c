// SPDX-License-Identifier: Apache-2.0
// Call: one system call of an application, from its request to its result.
//
// By the row of the allow list each argument is checked, pinned or replaced, then Linux is called. What Linux would
// follow out of enclave memory (iovec arrays, message headers, poll sets, confined paths, socket addresses) is copied
// first: the enclave may change the original at any time, the copy is what was checked. Bulk data is not copied.
#pragma once

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "base/unique_fd.hpp"
#include "kernel-bridge/host-io/app_fds.hpp"
#include "kernel-bridge/host-io/block_map.hpp"
#include "kernel-bridge/host-io/call_table.hpp"
#include "kernel-bridge/host-io/channel.hpp"
#include "kernel-bridge/host-io/root_dir.hpp"

namespace hobbes::host_io {

/// What the calls of one application share. The references outlive every call.
struct Environment {
  const BlockMap& blocks;
  AppFds& fds;
  const RootDir& root;
  Mode mode;
  int lender;  ///< Options::lender
};

/// Room for the copies of one call; a worker keeps one. Not initialised between calls.
struct Scratch {
  static constexpr std::size_t max_iovs = 1024;  // Linux's UIO_MAXIOV
  static constexpr std::size_t max_polls = 1024;
  static constexpr std::size_t max_control = 4096;  // more than SCM_RIGHTS with Linux's SCM_MAX_FD descriptors
  static constexpr std::size_t max_option = 512;
  static constexpr std::size_t max_paths = 2;

  std::array<iovec, max_iovs> iovs;
  std::array<pollfd, max_polls> polls;
  alignas(cmsghdr) std::array<std::byte, max_control> control;
  std::array<std::byte, max_option> option;
  std::array<char, PATH_MAX> text;
};

class Call {
 public:
  Call(const Environment& environment, Scratch& scratch, const Request& request)
      : environment_(environment),
        scratch_(scratch),
        request_(request),
        args_(request.args),
        pins_(environment.blocks) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// >= 0 or -errno. Blocks as the system call does; a signal handled without SA_RESTART ends it with -EINTR.
  [[nodiscard]] std::int64_t perform();

  // Handlers of the allow list; args_ have been checked by their kinds when they run.
  std::int64_t open();
  std::int64_t open_how_said();
  std::int64_t close();
  std::int64_t make_node();
  std::int64_t vectored();
  std::int64_t poll();
  std::int64_t ppoll();
  std::int64_t wait_events();
  std::int64_t watch();
  std::int64_t ioctl();
  std::int64_t fcntl();
  std::int64_t socket();
  std::int64_t named();
  std::int64_t name_of();
  std::int64_t send_to();
  std::int64_t receive_from();
  std::int64_t send_message();
  std::int64_t receive_message();
  std::int64_t set_option();
  std::int64_t get_option();
  std::int64_t lend();

 private:
  [[nodiscard]] int check_arguments();
  [[nodiscard]] int check_argument(std::size_t i);
  [[nodiscard]] int check_fd(std::size_t i) const;
  [[nodiscard]] int hold_below_root(std::size_t i);
  [[nodiscard]] int check_record(std::size_t i, const Arg& arg);
  [[nodiscard]] int confine_path(std::size_t i);
  [[nodiscard]] bool follows() const;
  [[nodiscard]] std::int64_t make_call();
  [[nodiscard]] std::int64_t own_new_fd(std::int64_t result);
  [[nodiscard]] std::int64_t request_call(const RequestRow* row, int unknown);
  [[nodiscard]] std::int64_t poll_set(const timespec* timeout);

  [[nodiscard]] int copy_iovs(std::uint64_t address, std::uint64_t count);
  [[nodiscard]] int copy_address(std::uint64_t address, std::uint64_t size, sockaddr_storage& to);
  [[nodiscard]] int copy_header(msghdr& enclave);
  [[nodiscard]] std::int64_t receive_name(std::size_t name_arg, std::size_t size_arg);

  [[nodiscard]] std::uint64_t address(std::size_t i) const { return static_cast<std::uint64_t>(args_[i]); }
  [[nodiscard]] int number(std::size_t i) const { return static_cast<int>(args_[i]); }
  template <typename T>
  void pass(std::size_t i, const T* pointer) {
    args_[i] = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(pointer));
  }

  const Environment& environment_;
  Scratch& scratch_;
  const Request& request_;
  const CallRow* row_ = nullptr;
  std::array<std::int64_t, 6> args_;
  BlockMap::Pins pins_;
  std::array<SafePath, Scratch::max_paths> paths_;
  std::size_t path_count_ = 0;
  UniqueFd held_;
};

}  // namespace hobbes::host_io
