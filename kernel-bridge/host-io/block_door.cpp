// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/block_door.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "cmdqueue/fd_passing.hpp"

namespace hobbes::host_io {
namespace {

constexpr int waiting_connections = 4;
/// A peer that connects and says nothing must not keep the door for itself.
constexpr timeval patience{.tv_sec = 1, .tv_usec = 0};

struct Received {
  BlockMessage message;
  UniqueFd fd;  ///< empty where none came
};

Result<Received> receive(int connection) {
  auto packet = TRY(cmdqueue::receive_fds(connection, sizeof(BlockMessage)));
  if (packet.bytes.size() != sizeof(BlockMessage) || packet.fds.size() > 1)
    return Error(Code::invalid, "block door: not a message of ours");
  Received received;
  std::memcpy(&received.message, packet.bytes.data(), sizeof received.message);
  if (!packet.fds.empty()) received.fd = std::move(packet.fds.front());
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
  const auto peer = cmdqueue::peer_credentials(connection);
  return peer && (peer->uid == 0 || peer->uid == owner_);
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
