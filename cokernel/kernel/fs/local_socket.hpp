// SPDX-License-Identifier: Apache-2.0
// LocalSocket: one end of a socketpair between processes of the enclave: bytes or messages, and the descriptors that
// travel with them. Sockets that have a name or a peer elsewhere are the host's.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/fs/socket_abi.hpp"

namespace hobbes::lwk::fs {

/// Open files on their way in a message.
class Rights {
 public:
  static constexpr uint32_t limit = 253;  ///< Linux's SCM_MAX_FD

  Rights() = default;
  Rights(const Rights&) = delete;
  Rights& operator=(const Rights&) = delete;
  ~Rights() { clear(); }

  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] const FileRef& at(uint32_t i) const { return files_[i]; }
  /// 0, -EINVAL (more than the limit), -ENOMEM.
  [[nodiscard]] int add(FileRef file);
  [[nodiscard]] int copy(Rights& from);
  void take(Rights& from);
  void clear();

 private:
  FileRef* files_ = nullptr;
  uint32_t count_ = 0;
};

class LocalSocket : public File {
 public:
  /// `type`: SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET, with SOCK_NONBLOCK. 0 or -ENOMEM.
  [[nodiscard]] static int make_pair(uint32_t type, FileRef& first, FileRef& second);
  ~LocalSocket() override;

  Sysret read(IoVector& to) override;
  Sysret write(IoVector& from) override;
  Sysret status(FileStatus& status) override;
  Sysret control(uint32_t request, uint64_t argument) override;
  uint32_t poll() override;
  WaitQueue* queue() override;
  LocalSocket* local_socket() override { return this; }

  /// `rights` are gone when it succeeds.
  [[nodiscard]] Sysret send(IoVector& from, uint32_t flags, Rights& rights);
  /// `out_flags`: MSG_TRUNC where a message was longer than `to`.
  [[nodiscard]] Sysret receive(IoVector& to, uint32_t flags, Rights& rights, uint32_t& out_flags);
  [[nodiscard]] Sysret shut_down(uint32_t how);
  /// Of SOL_SOCKET; `size` is the room, then what was needed.
  [[nodiscard]] Sysret get_option(uint32_t name, void* to, uint32_t& size);
  [[nodiscard]] Sysret set_option(uint32_t name, const void* from, uint32_t size);

 private:
  struct Message;
  struct Inbox;
  struct Pair;

  LocalSocket(Pair& pair, uint32_t side, uint32_t flags) : File(flags), pair_(pair), side_(side) {}
  [[nodiscard]] Inbox& inbox();
  [[nodiscard]] Inbox& outbox();
  [[nodiscard]] bool is_stream() const;
  [[nodiscard]] int64_t timeout(int64_t Inbox::* which);
  [[nodiscard]] Sysret send_one(IoVector& from, uint64_t size, uint32_t flags, Rights& rights);
  [[nodiscard]] Sysret take_stream(IoVector& to, bool peek, Rights& rights);
  [[nodiscard]] Sysret take_message(IoVector& to, uint32_t flags, Rights& rights, uint32_t& out_flags);
  template <typename Try>
  [[nodiscard]] Sysret wait_for(Try try_once, bool dont_wait, int64_t timeout_ns);

  Pair& pair_;
  uint32_t side_;
};

}  // namespace hobbes::lwk::fs
