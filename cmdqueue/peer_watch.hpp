// SPDX-License-Identifier: Apache-2.0
// PeerWatch: how the death of a queue's other side is noticed.
#pragma once

namespace hobbes::cmdqueue {

/// Watches a descriptor that it does not own and that must stay open as long as the watch is used.
class PeerWatch {
 public:
  /// No watch: only the queue's "closed" words and the deadlines tell.
  PeerWatch() = default;
  /// The peer is gone when it closes its end of this connected socket, which the kernel does for a dead process.
  [[nodiscard]] static PeerWatch socket(int fd);
  /// The peer is gone when the process behind this pidfd is.
  [[nodiscard]] static PeerWatch process(int pidfd);

  [[nodiscard]] bool gone() const;

  [[nodiscard]] int fd() const { return fd_; }
  /// poll(2) events that mean the peer's death.
  [[nodiscard]] short events() const { return events_; }

 private:
  PeerWatch(int fd, short events) : fd_(fd), events_(events) {}

  int fd_ = -1;
  short events_ = 0;
};

}  // namespace hobbes::cmdqueue
