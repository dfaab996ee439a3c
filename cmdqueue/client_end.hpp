// SPDX-License-Identifier: Apache-2.0
// ClientEnd: sends requests through a command queue and receives their replies, and events.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "cmdqueue/port.hpp"

namespace hobbes::cmdqueue {

/// Errors of a request, wherever they show: what the server refused it with (its code, sentence and errno);
/// Code::timeout past its deadline; Code::unavailable when the server has gone; Code::corrupt when the server broke the
/// format, after which the queue is of no more use.
///
/// Threads: one at a time. In an event loop: watch bell_fd(); when it is readable disarm(), poll(), then arm(); when
/// arm() says false, poll() again. Also poll() when next_deadline() comes, and when the server's descriptor says it has
/// gone.
class ClientEnd {
 public:
  /// Called inside poll(), call() or await(), on their thread. May begin further requests.
  using Completion = std::function<void(Result<Reply>)>;
  using EventHandler = std::function<void(Event)>;

  /// `bells.mine` is the client's bell. Go on where the memory stands: replies to an earlier client's requests are
  /// dropped.
  ClientEnd(QueueMemory memory, Bells bells, PeerWatch server = {}, Limits limits = {});

  /// Sends a request and waits for its reply.
  [[nodiscard]] Result<Reply> call(std::uint32_t code, PayloadView payload, Deadline deadline);

  /// Sends a request; await() or take() brings its reply. Never blocks. Errors: busy (too many in flight), exhausted
  /// (too large, or too much is waiting to be sent), unavailable, corrupt; the request was not sent then.
  [[nodiscard]] Result<RequestId> begin(std::uint32_t code, PayloadView payload, Deadline deadline = no_deadline);
  /// The same, with the reply given to `done`, exactly once.
  [[nodiscard]] Result<RequestId> begin(std::uint32_t code, PayloadView payload, Deadline deadline, Completion done);

  /// Waits for the reply to a begun request, until its deadline. not_found: no such request, or it has a Completion.
  [[nodiscard]] Result<Reply> await(RequestId id);
  /// The reply to a begun request, if it is there. Does not look into the queue: poll() does.
  [[nodiscard]] std::optional<Result<Reply>> take(RequestId id);

  /// Takes in what has come (a turn's worth of a flood), ends requests whose deadline has passed, notices a dead
  /// server. Never blocks.
  /// An error means that the queue is of no more use; every request has been answered with it.
  [[nodiscard]] Status poll();
  /// Waits until there may be something to poll(). Code::timeout at `deadline`.
  [[nodiscard]] Status wait(Deadline deadline);

  /// Where events go during poll(), call() and await(); without a handler they are dropped.
  void on_event(EventHandler handler) { event_handler_ = std::move(handler); }

  /// Answers every request with `why`, and all later ones: for a server known dead by other means (its heartbeat).
  void abandon(const Error& why);

  [[nodiscard]] bool arm() { return port_->arm(); }
  void disarm() { port_->disarm(); }
  [[nodiscard]] int bell_fd() const { return port_->mine().fd(); }
  /// The earliest deadline of a request in flight; no_deadline without one.
  [[nodiscard]] Deadline next_deadline() const;
  [[nodiscard]] std::size_t in_flight() const { return requests_.size(); }
  [[nodiscard]] const QueueMemory& memory() const { return port_->memory(); }

 private:
  struct Pending {
    RequestId id;
    std::uint32_t code = 0;
    Deadline deadline = no_deadline;
    Completion done;                      // empty: the result waits in `result`
    std::optional<Result<Reply>> result;  // of a request without a Completion
  };
  using Requests = std::vector<Pending>;

  [[nodiscard]] Result<RequestId> send(PayloadView payload, Pending pending);
  [[nodiscard]] Requests::iterator find(RequestId id);
  [[nodiscard]] Status take_in_some();
  void take_in(Message message);
  /// The queue is of no more use: answers every request with `why`, or with the reason that came before it.
  const Error& give_up(const Error& why);
  void finish(Requests::iterator request, Result<Reply> result);
  /// Ends the requests whose deadline has passed; true when there were any.
  bool expire();

  std::unique_ptr<Port> port_;  // never null
  std::uint64_t next_id_;
  Requests requests_;  // by ascending id: a handful as a rule, so a vector without allocations beats a map
  EventHandler event_handler_;
  std::optional<Error> broken_;  // set once: why the queue is of no more use
};

}  // namespace hobbes::cmdqueue
