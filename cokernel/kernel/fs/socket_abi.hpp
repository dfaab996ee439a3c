// SPDX-License-Identifier: Apache-2.0
// Numbers and structs of Linux's x86-64 ABI that the calls about sockets share.
#pragma once

#include "cokernel/kernel/fs/file_abi.hpp"

namespace hobbes::lwk::fs {

enum SocketErrno : int { EPROTONOSUPPORT = 93, ESOCKTNOSUPPORT = 94, EAFNOSUPPORT = 97, ENOPROTOOPT = 92, ENOBUFS = 105,
                         EISCONN = 106, EDOM = 33, ECONNREFUSED = 111, ECONNRESET = 104 };

enum SocketType : uint32_t {
  SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_SEQPACKET = 5, SOCK_TYPE_MASK = 0xf, SOCK_NONBLOCK = O_NONBLOCK,
  SOCK_CLOEXEC = O_CLOEXEC,
};
inline constexpr uint64_t AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10;

enum MessageFlags : uint32_t {
  MSG_OOB = 1, MSG_PEEK = 2, MSG_CTRUNC = 8, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, MSG_EOR = 0x80, MSG_WAITALL = 0x100,
  MSG_NOSIGNAL = 0x4000, MSG_WAITFORONE = 0x10000, MSG_CMSG_CLOEXEC = 0x40000000,
};

inline constexpr uint32_t SOL_SOCKET = 1;
enum SocketOption : uint32_t {
  SO_REUSEADDR = 2, SO_TYPE = 3, SO_ERROR = 4, SO_BROADCAST = 6, SO_SNDBUF = 7, SO_RCVBUF = 8, SO_KEEPALIVE = 9,
  SO_LINGER = 13, SO_PASSCRED = 16, SO_PEERCRED = 17, SO_RCVTIMEO = 20, SO_SNDTIMEO = 21, SO_ACCEPTCONN = 30,
  SO_PROTOCOL = 38, SO_DOMAIN = 39,
};
inline constexpr uint32_t SCM_RIGHTS = 1, SCM_CREDENTIALS = 2;

/// Linux's struct msghdr.
struct MessageHeader {
  uint64_t name;
  uint32_t name_size, pad;
  uint64_t iovs, iov_count, control, control_size;
  uint32_t flags, pad2;
};
static_assert(sizeof(MessageHeader) == 56);

/// Linux's struct cmsghdr; messages follow each other aligned to 8 bytes.
struct ControlHeader {
  uint64_t size;  ///< with this header
  uint32_t level, type;
};
static_assert(sizeof(ControlHeader) == 16);

}  // namespace hobbes::lwk::fs
