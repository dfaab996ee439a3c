// SPDX-License-Identifier: Apache-2.0
// Connection: two descriptors are watched, the socket (greeting, descriptors, the client's end) and the queue's bell
// (requests). Everything happens on the loop's thread; answers from elsewhere are dispatched to it.
#include "leviathan/server/connection.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <string>

#include "base/log.hpp"
#include "cmdqueue/fd_passing.hpp"
#include "cmdqueue/handover.hpp"
#include "leviathan/duplicate.hpp"
#include "leviathan/protocol/hello.hpp"

namespace hobbes::leviathan {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// Descriptors a client may have sent and not used yet.
constexpr std::size_t max_deliveries = 16;
/// Requests served in a row before others get their turn.
constexpr int requests_per_turn = 32;

bool would_block(const Error& error) { return error.sys_errno() == EAGAIN || error.sys_errno() == EWOULDBLOCK; }

}  // namespace

Connection::Connection(asio::io_context& loop, UniqueFd socket, Caller caller, const Policy& policy, Serve serve,
                       Ended ended)
    : loop_(loop),
      caller_(std::move(caller)),
      policy_(policy),
      serve_(std::move(serve)),
      ended_(std::move(ended)),
      socket_(loop, socket.release()),
      bell_(loop) {
  error_code failed;
  socket_.native_non_blocking(true, failed);
}

void Connection::start() { wait_for_socket(); }

void Connection::wait_for_socket() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](error_code failed) {
    if (!failed && !self->closed_) self->socket_readable();
  });
}

void Connection::socket_readable() {
  if (const Status received = receive_packets(); !received) return end_with(received.error());
  if (!closed_) wait_for_socket();
}

Status Connection::receive_packets() {
  while (!closed_) {
    auto packet = cmdqueue::receive_fds(socket_.native_handle(), protocol::max_packet);
    if (!packet && would_block(packet.error())) return {};
    if (!packet) return std::move(packet).error();
    if (!queue_) {
      TRY(greeted(packet->bytes));
      continue;
    }
    const auto delivery = TRY(protocol::decode<protocol::FdDelivery>(packet->bytes));
    TRY(keep(delivery.token, std::move(packet->fds)));
  }
  return {};
}

Status Connection::greeted(std::span<const std::byte> hello) {
  Status judgement = protocol::check_hello(hello);
  if (judgement) judgement = policy_.check_read(caller_, "leviathan");
  TRY(cmdqueue::send_fds(socket_.native_handle(), protocol::welcome(judgement), {}));
  TRY(judgement);
  queue_ = TRY(cmdqueue::offer_queue(socket_.native_handle()));
  UniqueFd bell = TRY(duplicate(queue_->bell_fd(), "doorbell of a client's queue"));
  error_code failed;
  bell_.assign(bell.release(), failed);
  if (failed) return errno_error(failed.value(), "doorbell of a client's queue");
  serve_requests();
  return {};
}

Status Connection::keep(std::uint64_t token, std::vector<UniqueFd> fds) {
  if (fds_.size() >= max_deliveries) return Error(Code::exhausted, "client: sent too many descriptors nobody asked for");
  if (!fds_.emplace(token, std::move(fds)).second) return Error(Code::invalid, "client: sent a token of descriptors twice");
  return {};
}

void Connection::wait_for_bell() {
  bell_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](error_code failed) {
    if (failed || self->closed_) return;
    self->queue_->disarm();
    self->serve_requests();
  });
}

void Connection::serve_requests() {
  for (int served = 0; queue_; ++served) {
    if (served == requests_per_turn) {
      asio::post(loop_, [self = shared_from_this()] { self->serve_requests(); });
      return;
    }
    auto request = queue_->take();
    if (!request) return end_with(request.error());
    if (*request) {
      cmdqueue::Request& taken = **request;
      serve_(std::make_shared<Call>(shared_from_this(), taken.code, taken.id.value, std::move(taken.payload)));
    } else if (queue_->arm()) {
      return wait_for_bell();
    }
  }
}

void Connection::end_with(const Error& error) {
  // A client that hangs up is the ordinary end.
  if (error.code() != Code::unavailable) log::warning("client " + std::to_string(caller_.pid) + ": " + error.text());
  close();
}

void Connection::close() {
  if (std::exchange(closed_, true)) return;
  const auto self = shared_from_this();
  error_code ignored;  // nothing can be done about a descriptor that does not close
  bell_.close(ignored);
  queue_.reset();  // before the socket, which it watches
  socket_.close(ignored);
  fds_.clear();
  for (const auto& [number, undo] : std::exchange(undo_, {})) undo();
  ended_(*this);
}

Result<std::vector<UniqueFd>> Connection::take_fds(std::uint64_t token) {
  if (!fds_.contains(token) && !closed_) TRY(receive_packets());  // the packet may not have had its turn yet
  const auto found = fds_.find(token);
  if (found == fds_.end()) return Error(Code::not_found, "request: its descriptors have not come");
  std::vector<UniqueFd> fds = std::move(found->second);
  fds_.erase(found);
  return fds;
}

Result<std::uint64_t> Connection::send_fds(std::span<const int> fds) {
  if (closed_) return Error(Code::unavailable, "client: has gone");
  const std::uint64_t token = next_token_++;
  TRY(cmdqueue::send_fds(socket_.native_handle(), protocol::encode(protocol::FdDelivery{.token = token}), fds));
  return token;
}

std::uint64_t Connection::on_close(std::function<void()> undo) {
  if (closed_) {
    undo();
    return 0;
  }
  undo_.emplace(next_undo_, std::move(undo));
  return next_undo_++;
}

void Connection::forget(std::uint64_t on_close_number) { undo_.erase(on_close_number); }

void Connection::send_event(std::uint32_t code, std::span<const std::byte> payload) {
  asio::dispatch(loop_, [self = shared_from_this(), code, bytes = Payload(payload.begin(), payload.end())] {
    if (self->queue_) self->sent(self->queue_->notify(code, bytes));
  });
}

void Connection::send_reply(std::uint64_t request_id, std::uint32_t, Result<Payload> answer) {
  asio::dispatch(loop_, [self = shared_from_this(), id = cmdqueue::RequestId(request_id), answer = std::move(answer)] {
    if (!self->queue_) return;
    self->sent(answer ? self->queue_->reply(id, *answer) : self->queue_->refuse(id, answer.error()));
  });
}

void Connection::sent(const Status& status) {
  if (status || closed_) return;
  // Not from within a handler that still holds the session: the end comes in its own turn.
  asio::post(loop_, [self = shared_from_this(), error = status.error()] { self->end_with(error); });
}

}  // namespace hobbes::leviathan
