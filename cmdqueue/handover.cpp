// SPDX-License-Identifier: Apache-2.0
#include "cmdqueue/handover.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "cmdqueue/fd_passing.hpp"

namespace hobbes::cmdqueue {
namespace {

/// The bytes that travel with the descriptors. Changes when their number or order does.
constexpr std::uint64_t handover_magic = 0x3151'4844'4e41'4848ull;  // "HHANDHQ1" in memory

constexpr std::size_t handed_fds = 3;  // memory, the client's bell, the server's bell

}  // namespace

Status send_queue(int socket, const QueueMemory& memory, const Doorbell& client_bell, const Doorbell& server_bell) {
  const std::array<int, handed_fds> fds{memory.fd(), client_bell.fd(), server_bell.fd()};
  return send_fds(socket, payload_of_struct(handover_magic), fds);
}

Result<QueueParts> receive_queue(int socket) {
  FdMessage message = TRY(receive_fds(socket, sizeof handover_magic));
  std::uint64_t magic = 0;
  if (message.bytes.size() == sizeof magic) std::memcpy(&magic, message.bytes.data(), sizeof magic);
  if (magic != handover_magic || message.fds.size() != handed_fds) {
    return Error(Code::invalid, "receive queue: the peer sent something else");
  }
  QueueMemory memory = TRY(QueueMemory::receive(std::move(message.fds[0])));
  Doorbell mine = Doorbell::socket(std::move(message.fds[1]));
  Doorbell peers = TRY(Doorbell::event_fd(std::move(message.fds[2])));
  return QueueParts{std::move(memory), {std::move(mine), std::move(peers)}};
}

Result<ServerEnd> offer_queue(int socket, RingSizes sizes, Limits limits) {
  QueueMemory memory = TRY(QueueMemory::create(sizes));
  Doorbell server_bell = TRY(Doorbell::create_event_fd());
  Doorbell::SocketPair client_bell = TRY(Doorbell::create_socket_pair());
  TRY(send_queue(socket, memory, client_bell.waiter, server_bell));
  Bells bells{std::move(server_bell), std::move(client_bell.ringer)};
  return ServerEnd(std::move(memory), std::move(bells), PeerWatch::socket(socket), limits);
}

Result<ClientEnd> accept_queue(int socket, Limits limits) {
  QueueParts parts = TRY(receive_queue(socket));
  return ClientEnd(std::move(parts.memory), std::move(parts.bells), PeerWatch::socket(socket), limits);
}

}  // namespace hobbes::cmdqueue
