// SPDX-License-Identifier: Apache-2.0
// Handing a queue to a client over a Unix socket: its memory and both doorbells, in one message.
//
// The client's bell is a socket because the server rings it and does not trust the client; the server's is an eventfd.
#pragma once

#include "cmdqueue/client_end.hpp"
#include "cmdqueue/server_end.hpp"

namespace hobbes::cmdqueue {

/// A queue as one side holds it before it opens its end.
struct QueueParts {
  QueueMemory memory;
  Bells bells;
};

/// Passes duplicates of what the client needs to the client at the other end of a connected Unix socket: the queue's
/// memfd, the waiter's end of its bell (a socket), and the server's bell (an eventfd).
[[nodiscard]] Status send_queue(int socket, const QueueMemory& memory, const Doorbell& client_bell,
                                const Doorbell& server_bell);
/// Waits for a queue; its bells are as the client sees them. Whatever else comes is Code::invalid.
[[nodiscard]] Result<QueueParts> receive_queue(int socket);

/// Server: makes a queue, sends it over `socket`, and serves it; the client is gone when it closes its end of `socket`.
/// The socket stays the caller's and must outlive the end.
[[nodiscard]] Result<ServerEnd> offer_queue(int socket, RingSizes sizes = {}, Limits limits = {});
/// Client: receives a queue over `socket`, likewise.
[[nodiscard]] Result<ClientEnd> accept_queue(int socket, Limits limits = {});

}  // namespace hobbes::cmdqueue
