// SPDX-License-Identifier: Apache-2.0
// Port: what both ends of a queue have in common: messages over rings, a backlog, sleeping, and noticing a dead peer.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "base/result.hpp"
#include "cmdqueue/doorbell.hpp"
#include "cmdqueue/message.hpp"
#include "cmdqueue/peer_watch.hpp"
#include "cmdqueue/queue_memory.hpp"

namespace hobbes::cmdqueue {

struct Limits {
  Bytes max_message = mib(16);      ///< one request, reply or event, in as many frames as it takes
  Bytes max_backlog = mib(32);      ///< waiting in this process for room in the ring
  std::size_t max_in_flight = 256;  ///< unanswered requests
  std::chrono::nanoseconds poll = std::chrono::microseconds(20);  ///< before each sleep
};

/// Messages an end takes in before it gives its caller a turn, so that a peer's flood cannot hold it.
inline constexpr int messages_per_turn = 256;

enum class Side { client, server };

/// The two doorbells, as one side sees them.
struct Bells {
  Doorbell mine;
  Doorbell peers;
};

/// A whole message. `header.length` is of its last frame only.
struct Message {
  hobbes_frame header;
  Payload payload;
  bool too_large = false;  ///< more than max_message came; the payload was dropped
};

/// Not for use by itself: ClientEnd and ServerEnd are. Threads: one at a time. Aligned, so that two ports of one
/// process share no cache line.
class alignas(HOBBES_CACHE_LINE) Port {
 public:
  Port(QueueMemory memory, Side side, Bells bells, PeerWatch peer, Limits limits);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  /// Tells the peer that this side has left.
  ~Port();

  /// Sends a message in as many frames as it needs, and wakes the peer. Never blocks: what does not fit into the ring
  /// now is kept and sent by flush(). Errors: exhausted (larger than max_message, or the backlog is full: nothing was
  /// sent), corrupt.
  [[nodiscard]] Status send(hobbes_frame header, PayloadView payload);
  /// Moves the backlog on as far as the ring has room.
  [[nodiscard]] Status flush();
  /// The next whole message, or nothing yet. Errors: corrupt.
  [[nodiscard]] Result<std::optional<Message>> receive();

  /// Before this side sleeps in somebody else's loop: true when there is nothing to do, and from now on the peer rings
  /// mine() when there is. False: go on with receive() and flush().
  [[nodiscard]] bool arm();
  /// After that sleep: forgets that the bell was rung.
  void disarm();
  /// Polls for Limits::poll, then sleeps, until there may be something to do. Errors: timeout at `deadline`,
  /// unavailable when the peer has gone and nothing of it is left to receive.
  [[nodiscard]] Status wait(Deadline deadline);

  /// Whether the peer closed the queue or died (a system call). Its last messages may still be there to receive.
  [[nodiscard]] bool peer_gone() const;

  [[nodiscard]] const Doorbell& mine() const { return bells_.mine; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] const QueueMemory& memory() const { return memory_; }
  /// Bytes this side ever put into its ring: differs before every send().
  [[nodiscard]] std::uint64_t position() const { return out_.position(); }

 private:
  struct Pending {
    hobbes_frame header;
    Payload payload;
    std::size_t sent = 0;
  };

  /// Pushes frames of `payload` from byte `sent` on; true when the last one is in the ring.
  [[nodiscard]] Result<bool> push_frames(hobbes_frame header, PayloadView payload, std::size_t& sent);
  [[nodiscard]] std::size_t next_frame_length(const Pending& message) const;
  [[nodiscard]] bool work_to_do();
  /// Looks for work until then; whether there is some.
  [[nodiscard]] bool poll(Deadline until);
  void cancel_sleep();
  [[nodiscard]] Status append(const abi::FrameView& view);
  [[nodiscard]] bool closed_by_peer() const;

  // Constant after construction.
  const Limits limits_;
  const QueueMemory memory_;
  const Bells bells_;
  const PeerWatch peer_;
  std::uint32_t* const closed_;        // our "closed" word
  const std::uint32_t* const peer_closed_;

  abi::RingProducer out_;
  abi::RingConsumer in_;

  std::deque<Pending> backlog_;  // messages not wholly in the ring yet, oldest first
  std::size_t backlog_bytes_ = 0;
  std::optional<Message> partial_;  // the message whose frames are coming in
};

}  // namespace hobbes::cmdqueue
