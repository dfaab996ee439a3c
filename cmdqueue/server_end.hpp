// SPDX-License-Identifier: Apache-2.0
// ServerEnd: takes requests out of a command queue and answers them, in any order, now or later.
#pragma once

#include <memory>
#include <vector>

#include "cmdqueue/port.hpp"

namespace hobbes::cmdqueue {

/// Nothing a client sends makes the server allocate more than its Limits, block, or stop: requests that are too large
/// or too many are refused by take() itself, and a client that breaks the frame format or never takes its replies gets
/// an error here, upon which its owner drops the end.
///
/// Threads: one at a time. In an event loop: watch bell_fd(); when it is readable disarm(), take() until there is
/// nothing, then arm(); when arm() says false, take() again, after a turn of other work. Watch the client's descriptor
/// for its death.
class ServerEnd {
 public:
  /// `bells.mine` is the server's bell. Goes on where the memory stands.
  ServerEnd(QueueMemory memory, Bells bells, PeerWatch client = {}, Limits limits = {});

  /// The next request, or nothing; also sends what waits for room. Never blocks. Errors: unavailable (the client has
  /// gone, and all it sent was taken), corrupt, exhausted (it does not take its replies): drop the end.
  [[nodiscard]] Result<std::optional<Request>> take();
  /// Waits for the next request. Code::timeout at `deadline`.
  [[nodiscard]] Result<Request> wait(Deadline deadline);

  /// Answers a request: done, with `payload`. A reply larger than Limits::max_message becomes a refusal that says so.
  /// not_found: no such request is open. Never blocks.
  [[nodiscard]] Status reply(RequestId id, PayloadView payload = {});
  /// Answers a request: failed, with the error's code, sentence and errno.
  [[nodiscard]] Status refuse(RequestId id, const Error& error);

  /// Sends an event. exhausted: too much waits already; the event was not sent.
  [[nodiscard]] Status notify(std::uint32_t code, PayloadView payload = {});

  [[nodiscard]] bool arm() { return port_->arm(); }
  void disarm() { port_->disarm(); }
  [[nodiscard]] int bell_fd() const { return port_->mine().fd(); }
  [[nodiscard]] std::size_t in_flight() const { return open_.size(); }
  [[nodiscard]] const QueueMemory& memory() const { return port_->memory(); }

 private:
  struct Open {
    RequestId id;
    std::uint32_t code;
  };

  [[nodiscard]] Result<std::optional<Request>> next();
  /// Why a message is not to be served; nothing when it is.
  [[nodiscard]] std::optional<Error> objection(const Message& message) const;
  [[nodiscard]] bool is_open(RequestId id) const;
  /// Takes the request out of the open ones: its code.
  [[nodiscard]] Result<std::uint32_t> close(RequestId id);
  [[nodiscard]] Status send_reply(RequestId id, std::uint32_t code, PayloadView payload);
  [[nodiscard]] Status send_refusal(RequestId id, std::uint32_t code, const Error& error);
  [[nodiscard]] Status send_or_break(const hobbes_frame& header, PayloadView payload);

  std::unique_ptr<Port> port_;  // never null
  std::vector<Open> open_;       // requests taken and not answered; at most max_in_flight
  std::optional<Error> broken_;  // set once: why the end is of no more use
};

}  // namespace hobbes::cmdqueue
