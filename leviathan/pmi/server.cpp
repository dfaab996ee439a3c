// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/server.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/log.hpp"

namespace hobbes::leviathan::pmi {
namespace {

/// Until leviathan is asked again, when none runs.
constexpr std::chrono::milliseconds retry{100};
/// A rank that gives up ends with a status of its own, which is the job's: it gets the time to.
constexpr std::chrono::milliseconds grace{300};
constexpr std::size_t chunk = 16 * 1024;

int wait_time(std::optional<std::chrono::milliseconds> time) { return time ? static_cast<int>(time->count()) : -1; }

}  // namespace

Server::Server(Job job, Store& store, std::vector<UniqueFd> sockets)
    : job_(std::move(job)), store_(store), sockets_(std::move(sockets)), open_(sockets_.size()) {}

void Server::run() {
  while (open_ > 0) {
    listen();
    tell_leviathan();
    talk();
  }
}

void Server::listen() {
  std::vector<pollfd> polled;
  for (const UniqueFd& socket : sockets_) polled.push_back({socket ? socket.get() : -1, POLLIN, 0});
  const bool waits_for_leviathan = job_.barrier_is_full() || (job_.broken() && !end_told_);
  ::poll(polled.data(), polled.size(), wait_time(waits_for_leviathan ? std::optional(retry) : std::nullopt));
  for (std::uint32_t rank = 0; rank < polled.size(); ++rank) {
    if (polled[rank].revents != 0) hear(rank);
  }
}

void Server::hear(std::uint32_t rank) {
  std::array<char, chunk> bytes;
  const ssize_t count = ::recv(sockets_[rank].get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return leave(rank);
  const bool was_whole = !job_.broken();
  const Status heard = job_.receive(rank, std::string_view(bytes.data(), static_cast<std::size_t>(count)));
  give_time(was_whole);
  if (heard) return;
  log::warning("rank " + std::to_string(rank) + ": does not speak PMI: " + heard.error().text());
  leave(rank);
}

void Server::leave(std::uint32_t rank) {
  sockets_[rank].reset();
  --open_;
  const bool was_whole = !job_.broken();
  job_.closed(rank);
  give_time(was_whole);
}

void Server::give_time(bool was_whole) {
  if (was_whole && job_.broken()) next_try_ = Clock::now() + grace;
}

void Server::talk() {
  for (const Reply& reply : job_.take_replies()) {
    const UniqueFd& socket = sockets_[reply.rank];
    if (!socket) continue;
    const ssize_t sent = ::send(socket.get(), reply.text.data(), reply.text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    // Each request has one answer: who leaves a socket's buffer full of them does not want to know.
    if (sent != static_cast<ssize_t>(reply.text.size())) leave(reply.rank);
  }
}

bool Server::reached(const Status& told) {
  const bool reached = told || told.error().code() != Code::unavailable;
  if (!reached) next_try_ = Clock::now() + retry;
  return reached;
}

void Server::tell_leviathan() {
  if (Clock::now() < next_try_ || end_told_) return;
  if (!job_.broken() && job_.barrier_is_full()) {
    const Status written = store_.write(job_.size(), job_.update());
    if (!reached(written)) return;
    written ? job_.open_barrier() : job_.give_up("its barrier does not open: " + written.error().text());
  }
  // It may have ended by itself meanwhile: then there is nothing to end.
  if (job_.broken()) end_told_ = reached(store_.end_job(*job_.broken()));
}

}  // namespace hobbes::leviathan::pmi
