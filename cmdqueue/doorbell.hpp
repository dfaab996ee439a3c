// SPDX-License-Identifier: Apache-2.0
// Doorbell: how one side of a queue is woken, whatever it waits for (frames, or room).
#pragma once

#include <cstdint>
#include <functional>

#include "base/unique_fd.hpp"
#include "cmdqueue/message.hpp"
#include "cmdqueue/peer_watch.hpp"

namespace hobbes::cmdqueue {

/// Each side of a queue has one bell: it waits on it, the other rings it. Both processes hold a Doorbell for it.
///  - event_fd: where an event loop waits, and the ringer trusts the waiter: who holds an eventfd can make it full and
///    blocking, and so stop whoever writes to it. (Reading one is safe: it is done without blocking, call by call.)
///  - socket: the same for a waiter that is not trusted; a little slower.
///  - futex: a word in the shared memory, by custom `consumer_sleep` of the ring that the side consumes; needs no
///    descriptor and no privilege on either side.
///  - call: for the ringer alone, where something else knows how to wake the waiter (a bridge's machine).
///  - none: the other side polls and never sleeps.
class Doorbell {
 public:
  enum class Wake { rung, timed_out, peer_gone };

  Doorbell() = default;
  [[nodiscard]] static Result<Doorbell> create_event_fd();
  /// Takes over an eventfd, which becomes non-blocking.
  [[nodiscard]] static Result<Doorbell> event_fd(UniqueFd fd);
  struct SocketPair;
  /// A new bell of the socket kind: the waiter's end and the ringer's.
  [[nodiscard]] static Result<SocketPair> create_socket_pair();
  /// Takes over one end of such a bell.
  [[nodiscard]] static Doorbell socket(UniqueFd fd);
  /// `word` must stay mapped as long as the bell is used.
  [[nodiscard]] static Doorbell futex(std::uint32_t* word);
  /// `ring` must not block or call back into the queue's end.
  [[nodiscard]] static Doorbell call(std::function<void()> ring);

  /// Wakes the side whose bell it is, or ends its next wait() at once. Any thread (of a call: as it allows); never
  /// blocks.
  void ring() const;

  /// Sleeps until the bell is rung, `deadline` passes, or the peer goes. May return `rung` for no reason. REQUIRES: the
  /// futex word was set to HOBBES_ASLEEP first (prepare_sleep() did).
  [[nodiscard]] Result<Wake> wait(Deadline deadline, const PeerWatch& peer) const;

  /// Forgets earlier rings. An event loop calls it when fd() is readable, before it looks at the queue.
  void drain() const;

  /// To be watched for reading, or passed on; -1 for a futex.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  enum class Kind { none, event_fd, socket, futex, call };

  [[nodiscard]] Result<Wake> wait_fd(Deadline deadline, const PeerWatch& peer) const;
  [[nodiscard]] Result<Wake> wait_futex(Deadline deadline, const PeerWatch& peer) const;

  Kind kind_ = Kind::none;
  UniqueFd fd_;
  std::uint32_t* word_ = nullptr;
  std::function<void()> call_;
};

struct Doorbell::SocketPair {
  Doorbell waiter;
  Doorbell ringer;
};

}  // namespace hobbes::cmdqueue
