// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/block_door.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

namespace hobbes::host_io {
namespace {

constexpr int waiting_connections = 4;
/// A peer that connects and says nothing must not keep the door for itself.
constexpr timeval patience{.tv_sec = 1, .tv_usec = 0};

struct Received {
  BlockMessage message;
  UniqueFd fd;
};

/// One message and the descriptor that came with it.
Result<Received> receive(int connection) {
  Received received;
  iovec part{&received.message, sizeof received.message};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(connection, &header, MSG_CMSG_CLOEXEC);
  if (size < 0) return last_errno("block door");
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&header); part_of != nullptr; part_of = CMSG_NXTHDR(&header, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(part_of), sizeof fd);
    received.fd = UniqueFd(fd);
  }
  if (size != sizeof received.message || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return Error(Code::invalid, "block door: not a message of ours");
  return received;
}

}  // namespace

Result<BlockDoor> BlockDoor::open(uid_t owner) {
  UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!listener) return last_errno("block door");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = block_door_name(::getpid());
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener.get(), waiting_connections) != 0)
    return last_errno("block door '" + name + "'");
  return BlockDoor(std::move(listener), owner);
}

bool BlockDoor::may(int connection) const {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == owner_);
}

void BlockDoor::serve(const BlockHandler& handler) const {
  while (true) {
    const UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection || !may(connection.get())) continue;
    ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const auto received = receive(connection.get());
    if (!received) continue;
    const BlockAnswer answer = handler(received->message, received->fd.get());
    ::send(connection.get(), &answer, sizeof answer, MSG_NOSIGNAL);  // who has gone does not want it any more
  }
}

}  // namespace hobbes::host_io
