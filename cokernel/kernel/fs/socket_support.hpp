// SPDX-License-Identifier: Apache-2.0
// What the handlers of calls about sockets share: whose socket it is, and the host's calls about its own.
#pragma once

#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/fs/local_socket.hpp"
#include "cokernel/kernel/fs/socket_abi.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {

inline constexpr uint64_t address_limit = 128;  ///< sizeof(struct sockaddr_storage)
inline constexpr uint64_t option_limit = 512;
inline constexpr uint64_t control_limit = 2048;  ///< of one message's control data

/// How a slot's data is used by these calls.
struct SocketData {
  MessageHeader header;
  uint32_t size;
  uint8_t address[address_limit];
  alignas(8) uint8_t control[control_limit];
  alignas(8) uint8_t bytes[HostCall::data_size - control_limit - 512];
};
static_assert(sizeof(SocketData) <= HostCall::data_size);

/// The socket of a descriptor: one of the two is set.
struct Socket {
  FileRef file;
  HostFile* host = nullptr;
  LocalSocket* local = nullptr;

  /// 0, -EBADF, -ENOTSOCK.
  [[nodiscard]] int find(Thread& self, uint64_t fd) {
    file = file_of(self, fd);
    if (!file || file->path_only()) return -EBADF;
    host = file->host();
    local = file->local_socket();
    return host != nullptr || local != nullptr ? 0 : -ENOTSOCK;
  }
};

struct SocketCall : HostCall {
  explicit SocketCall(HostFile& socket) : HostCall(socket.channel()) {}
  [[nodiscard]] SocketData& room() { return *reinterpret_cast<SocketData*>(data()); }

  /// Copies a socket address in. 0, -EINVAL, -EFAULT.
  [[nodiscard]] int load_address(UserAddr from, uint64_t size) {
    if (size > address_limit) return -EINVAL;
    return copy_in(room().address, from, size) ? 0 : -EFAULT;
  }
  /// Copies an address out, cut to the caller's room, and its whole size. 0 or -EFAULT.
  [[nodiscard]] int store_address(UserAddr to, uint32_t capacity, UserAddr size_to, uint32_t size) {
    if (!copy_out(to, room().address, min<uint64_t>(min(capacity, size), address_limit))) return -EFAULT;
    return write_user(size_to, size) ? 0 : -EFAULT;
  }
};

}  // namespace hobbes::lwk::fs
