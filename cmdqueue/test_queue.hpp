// SPDX-License-Identifier: Apache-2.0
// For tests: both ends of a queue in one process, and a server that runs in a thread.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <thread>

#include "cmdqueue/dispatcher.hpp"
#include "cmdqueue/handover.hpp"

#include <catch2/catch.hpp>

namespace hobbes::cmdqueue::test {

using namespace std::chrono_literals;

/// Far longer than anything takes: it ends a broken test, and no test waits for it to pass.
inline Deadline soon() { return within(30s); }

/// The value, or a test failure with the error's sentence.
template <typename T>
T get(Result<T> result) {
  if (!result) FAIL(result.error().text());
  return *std::move(result);
}
inline void get(const Status& status) {
  if (!status) FAIL(status.error().text());
}

/// "code: text" of the failure.
template <typename T>
std::string failure(const Result<T>& result) {
  if (result) return "no failure";
  return std::string(to_string(result.error().code())) + ": " + result.error().text();
}
template <typename T>
std::string failure_code(const Result<T>& result) {
  return result ? "no failure" : std::string(to_string(result.error().code()));
}

struct SocketPair {
  SocketPair() {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
    server.reset(fds[0]);
    client.reset(fds[1]);
  }
  UniqueFd server;
  UniqueFd client;
};

inline constexpr RingSizes small_rings{Bytes(HOBBES_RING_MIN_SIZE), Bytes(HOBBES_RING_MIN_SIZE)};

/// Both ends of one queue, handed over as leviathan does it.
struct QueuePair {
  explicit QueuePair(RingSizes sizes = {}, Limits limits = {})
      : server(get(offer_queue(sockets.server.get(), sizes, limits))),
        client(get(accept_queue(sockets.client.get(), limits))) {}

  /// The ends' shared memory, to be broken on purpose.
  const abi::QueueView& view() const { return server.memory().view(); }

  SocketPair sockets;
  ServerEnd server;
  ClientEnd client;
};

/// Serves until the client goes or breaks the queue: PING sends the payload back, everything else is not known.
inline Status serve(ServerEnd server) {
  Dispatcher dispatcher;
  dispatcher.on(HOBBES_CMD_PING, [](ServerEnd& end, Request request) {
    // A refused reply is the client's failure to see.
    [[maybe_unused]] const Status replied = end.reply(request.id, request.payload);
  });
  while (true) {
    Result<Request> request = server.wait(no_deadline);
    if (!request) return std::move(request).error();
    TRY(dispatcher.dispatch(server, *std::move(request)));
  }
}

inline std::string text(const Result<Reply>& reply) {
  return reply ? std::string(text_of(reply->payload)) : failure(reply);
}

inline std::string long_text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i / 7 + i) % 26);
  return text;
}

}  // namespace hobbes::cmdqueue::test
