// SPDX-License-Identifier: Apache-2.0
// Ringing first makes the ring seen (the eventfd's counter, the futex word set AWAKE), then wakes. A ring between a
// sleeper's last look at the queue and its sleep therefore ends that sleep at once.
#include "cmdqueue/doorbell.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <optional>

#include "kernel-bridge/abi/queue.h"

namespace hobbes::cmdqueue {
namespace {

using namespace std::chrono_literals;

// A futex wait cannot watch a descriptor as well, so it looks at the peer this often.
constexpr std::chrono::nanoseconds futex_peer_interval = 50ms;

timespec to_timespec(std::chrono::nanoseconds time) {
  const auto positive = std::max(time, 0ns);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(positive);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((positive - seconds).count())};
}

/// The time left, in ppoll's form: nullopt for ever.
std::optional<timespec> time_left(Deadline deadline) {
  if (deadline == no_deadline) return std::nullopt;
  return to_timespec(deadline - std::chrono::steady_clock::now());
}

}  // namespace

Result<Doorbell> Doorbell::create_event_fd() {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return last_errno("eventfd");
  return event_fd(std::move(fd));
}

Result<Doorbell> Doorbell::event_fd(UniqueFd fd) {
  const int flags = fcntl(fd.get(), F_GETFL);
  if (flags < 0 || fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0) return last_errno("doorbell: make non-blocking");
  Doorbell bell;
  bell.kind_ = Kind::event_fd;
  bell.fd_ = std::move(fd);
  return bell;
}

Result<Doorbell::SocketPair> Doorbell::create_socket_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
    return last_errno("doorbell: socketpair");
  }
  return SocketPair{socket(UniqueFd(fds[0])), socket(UniqueFd(fds[1]))};
}

Doorbell Doorbell::socket(UniqueFd fd) {
  Doorbell bell;
  bell.kind_ = Kind::socket;
  bell.fd_ = std::move(fd);
  return bell;
}

Doorbell Doorbell::futex(std::uint32_t* word) {
  Doorbell bell;
  bell.kind_ = Kind::futex;
  bell.word_ = word;
  return bell;
}

Doorbell Doorbell::call(std::function<void()> ring) {
  Doorbell bell;
  bell.kind_ = Kind::call;
  bell.call_ = std::move(ring);
  return bell;
}

void Doorbell::ring() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] ssize_t sent = 0;  // what cannot be sent was rung enough already, or nobody is there to hear it
  switch (kind_) {
    case Kind::none: break;
    case Kind::call: call_(); break;
    case Kind::event_fd: sent = write(fd_.get(), &one, sizeof one); break;
    case Kind::socket: sent = send(fd_.get(), &one, 1, MSG_DONTWAIT | MSG_NOSIGNAL); break;
    case Kind::futex:
      // Pairs with FUTEX_WAIT's own check of the word, which the kernel makes under the lock that FUTEX_WAKE takes.
      __atomic_store_n(word_, HOBBES_AWAKE, __ATOMIC_SEQ_CST);
      syscall(SYS_futex, word_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
      break;
  }
}

void Doorbell::drain() const {
  // Without blocking by the call, not by the descriptor's flag: the peer holds the same descriptor and may clear that.
  std::uint64_t bytes = 0;
  iovec into{&bytes, sizeof bytes};
  [[maybe_unused]] ssize_t got = 0;  // EAGAIN: it was not rung
  switch (kind_) {
    case Kind::event_fd: got = preadv2(fd_.get(), &into, 1, -1, RWF_NOWAIT); break;
    case Kind::socket: got = recv(fd_.get(), &bytes, sizeof bytes, MSG_DONTWAIT); break;
    case Kind::none:
    case Kind::call:
    case Kind::futex: break;
  }
}

Result<Doorbell::Wake> Doorbell::wait(Deadline deadline, const PeerWatch& peer) const {
  switch (kind_) {
    case Kind::event_fd:
    case Kind::socket: return wait_fd(deadline, peer);
    case Kind::futex: return wait_futex(deadline, peer);
    case Kind::call:
    case Kind::none: break;
  }
  return Error(Code::unsupported, "doorbell: this side of the queue has none to wait on");
}

Result<Doorbell::Wake> Doorbell::wait_fd(Deadline deadline, const PeerWatch& peer) const {
  pollfd watched[] = {{fd_.get(), POLLIN, 0}, {peer.fd(), peer.events(), 0}};  // a negative fd is passed over
  const std::optional<timespec> timeout = time_left(deadline);
  const int ready = ppoll(watched, 2, timeout ? &*timeout : nullptr, nullptr);
  if (ready < 0) {
    if (errno == EINTR) return Wake::rung;
    return last_errno("doorbell: poll");
  }
  if (ready == 0) return Wake::timed_out;
  const bool hung_up = (watched[0].revents & (POLLHUP | POLLERR)) != 0;  // a socket whose other end is closed
  if ((watched[0].revents & POLLIN) != 0 && !hung_up) {
    drain();
    return Wake::rung;
  }
  return Wake::peer_gone;
}

Result<Doorbell::Wake> Doorbell::wait_futex(Deadline deadline, const PeerWatch& peer) const {
  while (__atomic_load_n(word_, __ATOMIC_SEQ_CST) == HOBBES_ASLEEP) {
    const auto now = std::chrono::steady_clock::now();
    if (deadline <= now) return Wake::timed_out;
    if (peer.gone()) return Wake::peer_gone;
    Deadline until = deadline;
    if (peer.fd() >= 0) until = std::min(until, now + futex_peer_interval);
    const timespec timeout = to_timespec(until - now);
    const long woken = syscall(SYS_futex, word_, FUTEX_WAIT, HOBBES_ASLEEP,
                               until == no_deadline ? nullptr : &timeout, nullptr, 0);
    if (woken < 0 && errno != EAGAIN && errno != ETIMEDOUT && errno != EINTR) return last_errno("doorbell: futex");
    if (woken < 0 && errno == EINTR) return Wake::rung;
  }
  return Wake::rung;
}

}  // namespace hobbes::cmdqueue
