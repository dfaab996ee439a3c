// SPDX-License-Identifier: Apache-2.0
#include "cmdqueue/fd_passing.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace hobbes::cmdqueue {
namespace {

constexpr std::size_t max_bytes_sent = 64 * 1024;

/// Room for the control message, aligned as the kernel wants it.
union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(max_passed_fds * sizeof(int))];
};

/// Takes over every descriptor of a received message, so that none can leak whatever is decided about it.
std::vector<UniqueFd> collect_fds(msghdr& message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

Status send_fds(int socket, std::span<const std::byte> bytes, std::span<const int> fds) {
  if (bytes.empty() || bytes.size() > max_bytes_sent || fds.size() > max_passed_fds) {
    return Error(Code::invalid, "send descriptors: " + std::to_string(bytes.size()) + " bytes with " +
                                    std::to_string(fds.size()) + " descriptors: out of range");
  }
  iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};  // sendmsg only reads
  ControlBuffer buffer{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = &buffer;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(control), fds.data(), fds.size_bytes());
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return last_errno("send descriptors");
  if (static_cast<std::size_t>(sent) != bytes.size()) {
    return Error(Code::busy, "send descriptors: the socket took only a part of the message");
  }
  return {};
}

Result<FdMessage> receive_fds(int socket, std::size_t max_bytes) {
  FdMessage result;
  result.bytes.resize(max_bytes);
  iovec data{result.bytes.data(), result.bytes.size()};
  ControlBuffer buffer{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = &buffer;
  message.msg_controllen = sizeof buffer;
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return last_errno("receive descriptors");
  result.fds = collect_fds(message);
  if (got == 0) return Error(Code::unavailable, "receive descriptors: the peer closed the socket");
  if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) {
    return Error(Code::invalid, "receive descriptors: the message is larger than expected");
  }
  result.bytes.resize(static_cast<std::size_t>(got));
  return result;
}

Result<PeerCredentials> peer_credentials(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return last_errno("peer credentials");
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace hobbes::cmdqueue
