// SPDX-License-Identifier: Apache-2.0
#include "cmdqueue/peer_watch.hpp"

#include <poll.h>

namespace hobbes::cmdqueue {

PeerWatch PeerWatch::socket(int fd) {
  // Not POLLIN: a message of a live peer is not its death.
  return PeerWatch(fd, POLLRDHUP | POLLHUP | POLLERR);
}

PeerWatch PeerWatch::process(int pidfd) {
  return PeerWatch(pidfd, POLLIN);
}

bool PeerWatch::gone() const {
  if (fd_ < 0) return false;
  pollfd watched{fd_, events_, 0};
  return poll(&watched, 1, 0) > 0 && (watched.revents & (events_ | POLLNVAL)) != 0;
}

}  // namespace hobbes::cmdqueue
