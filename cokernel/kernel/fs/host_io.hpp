// SPDX-License-Identifier: Apache-2.0
// HostCall: the client's end of host I/O (abi/host_io.h): a claimed slot of a channel and the calls made through it.
#pragma once

#include "cokernel/kernel/address_space.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/types.hpp"
#include "kernel-bridge/abi/host_io.h"

namespace hobbes::lwk::fs {

/// The numbers of the calls that the proxy carries out for us: Linux's.
enum HostNumber : uint32_t {
  host_read = 0, host_write = 1, host_close = 3, host_fstat = 5, host_lseek = 8, host_ioctl = 16, host_pread64 = 17,
  host_pwrite64 = 18, host_readv = 19, host_writev = 20, host_socket = 41,
  host_connect = 42, host_sendto = 44, host_recvfrom = 45, host_sendmsg = 46, host_recvmsg = 47, host_shutdown = 48,
  host_bind = 49, host_listen = 50, host_getsockname = 51, host_getpeername = 52, host_setsockopt = 54,
  host_getsockopt = 55, host_fcntl = 72, host_flock = 73, host_fsync = 74, host_fdatasync = 75, host_ftruncate = 77,
  host_fchmod = 91, host_fchown = 93, host_statfs = 137, host_fstatfs = 138, host_getdents64 = 217,
  host_epoll_ctl = 233, host_inotify_add_watch = 254, host_inotify_rm_watch = 255, host_openat = 257,
  host_mkdirat = 258, host_mknodat = 259, host_fchownat = 260, host_newfstatat = 262, host_unlinkat = 263, host_linkat = 265,
  host_symlinkat = 266, host_readlinkat = 267, host_fchmodat = 268, host_ppoll = 271, host_utimensat = 280,
  host_fallocate = 285, host_accept4 = 288, host_epoll_create1 = 291, host_inotify_init1 = 294, host_preadv = 295,
  host_pwritev = 296, host_renameat2 = 316, host_preadv2 = 327, host_pwritev2 = 328,
  host_openat2 = 437, host_faccessat2 = 439, host_epoll_pwait2 = 441,
};

/// Whether the channel's proxy has all of [base, base + size), which is in use, mapped in one block. All else takes the
/// way through a slot's data.
[[nodiscard]] bool is_known_to_proxy(const hobbes_hio_channel& channel, PhysAddr base, uint64_t size);

enum class OnSignal {
  cancel,  ///< a pending signal ends the call: restart_call
  ignore,  ///< the call is short and must be made (close)
};

class HostCall : Immovable {
 public:
  /// Claims a slot; waits while all are taken.
  HostCall(hobbes_hio_channel& channel, OnSignal on_signal);
  explicit HostCall(hobbes_hio_channel& channel) : HostCall(channel, OnSignal::cancel) {}
  ~HostCall();

  /// 0, -EIO (no proxy), restart_call (a signal came first). What follows needs 0.
  [[nodiscard]] Sysret error() const { return error_; }

  /// The slot's own memory, which the proxy always knows: contents last until the next call.
  [[nodiscard]] uint8_t* data() { return slot_->data; }
  static constexpr uint64_t data_size = HOBBES_HIO_DATA;
  [[nodiscard]] hobbes_hio_iov* iovs() { return slot_->iov; }
  /// Whether a call may name this memory. False for pointers outside the direct map.
  [[nodiscard]] bool reaches(const void* memory, uint64_t size) const {
    return is_known_to_proxy(channel_, port::physical(memory), size);
  }

  /// The calls that follow copy so many bytes each: their results are looked for longer.
  void copies(uint64_t bytes) { to_copy_ = min(bytes, most_to_copy); }

  /// Makes one call and waits for its result. Pointers become addresses. Any number of calls, one after the other;
  /// after -EIO no more.
  template <typename... Values>
  [[nodiscard]] Sysret call(uint32_t number, Values... values) {
    const int64_t args[6] = {argument(values)...};
    return make(number, args);
  }
  /// The same for a call that waits: it is given up, too, when `stop()` holds, which is looked at whenever the running
  /// thread is woken. restart_call then, unless it had a result.
  template <typename Stop, typename... Values>
  [[nodiscard]] Sysret call_until(Stop stop, uint32_t number, Values... values) {
    stop_ = [](void* context) { return (*static_cast<Stop*>(context))(); };
    stop_context_ = &stop;
    const Sysret result = call(number, values...);
    stop_ = nullptr;
    return result;
  }

 private:
  static int64_t argument(const void* pointer) { return static_cast<int64_t>(port::host_address(pointer)); }
  template <typename T>
  static int64_t argument(T value) {
    return static_cast<int64_t>(value);
  }
  template <typename T>
  static int64_t argument(T* pointer) {
    return argument(static_cast<const void*>(pointer));
  }

  [[nodiscard]] bool claim();
  void claim_uninterrupted();
  [[nodiscard]] bool proxy_is_dead() const;
  [[nodiscard]] bool must_cancel() const;
  [[nodiscard]] Sysret make(uint32_t number, const int64_t* args);
  void post();
  [[nodiscard]] bool spin_for_result();
  [[nodiscard]] bool sleep_for_result();
  void cancel();

  MemoryPin pin_;  ///< what a call names of the process' memory stays
  hobbes_hio_channel& channel_;
  OnSignal on_signal_;
  hobbes_hio_slot* slot_ = nullptr;
  Sysret error_ = 0;
  static constexpr uint64_t most_to_copy = 16 << 20;
  uint64_t to_copy_ = 0;
  bool (*stop_)(void* context) = nullptr;  ///< of the call that is being made
  void* stop_context_ = nullptr;
};

/// The application has ended: tells its proxy to go, and does not wait for that. Any thread.
void dismiss_proxy(hobbes_hio_channel& channel);

}  // namespace hobbes::lwk::fs
