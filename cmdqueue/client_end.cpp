// SPDX-License-Identifier: Apache-2.0
#include "cmdqueue/client_end.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "cmdqueue/wire_status.hpp"

namespace hobbes::cmdqueue {

ClientEnd::ClientEnd(QueueMemory memory, Bells bells, PeerWatch server, Limits limits)
    : port_(std::make_unique<Port>(std::move(memory), Side::client, std::move(bells), server, limits)),
      // Each request takes a frame or more, so an id counted from here was not used by an earlier client of the queue.
      next_id_(port_->position() / HOBBES_FRAME_ALIGN + 1) {}

Result<Reply> ClientEnd::call(std::uint32_t code, PayloadView payload, Deadline deadline) {
  const RequestId id = TRY(begin(code, payload, deadline));
  return await(id);
}

Result<RequestId> ClientEnd::begin(std::uint32_t code, PayloadView payload, Deadline deadline) {
  return send(payload, {RequestId(next_id_), code, deadline, {}, {}});
}

Result<RequestId> ClientEnd::begin(std::uint32_t code, PayloadView payload, Deadline deadline, Completion done) {
  return send(payload, {RequestId(next_id_), code, deadline, std::move(done), {}});
}

Result<RequestId> ClientEnd::send(PayloadView payload, Pending pending) {
  if (broken_) return *broken_;
  if (requests_.size() >= port_->limits().max_in_flight) {
    return Error(Code::busy, "queue: " + std::to_string(requests_.size()) + " requests are in flight already");
  }
  hobbes_frame header{};
  header.code = pending.code;
  header.request_id = pending.id.value;
  TRY(port_->send(header, payload));
  ++next_id_;
  return requests_.emplace_back(std::move(pending)).id;
}

ClientEnd::Requests::iterator ClientEnd::find(RequestId id) {
  const auto at = std::lower_bound(requests_.begin(), requests_.end(), id,
                                   [](const Pending& request, RequestId wanted) { return request.id < wanted; });
  return at != requests_.end() && at->id == id ? at : requests_.end();
}

Result<Reply> ClientEnd::await(RequestId id) {
  while (true) {
    // A failure has answered the request, too.
    if (const Status status = take_in_some(); !status) give_up(status.error());
    if (std::optional<Result<Reply>> result = take(id)) return *std::move(result);
    const auto request = find(id);
    if (request == requests_.end() || request->done) {
      return Error(Code::not_found, "request " + std::to_string(id.value) + ": not one to wait for");
    }
    if (expire()) continue;
    const Status waited = port_->wait(next_deadline());
    if (!waited && waited.error().code() != Code::timeout) give_up(waited.error());
  }
}

std::optional<Result<Reply>> ClientEnd::take(RequestId id) {
  const auto request = find(id);
  if (request == requests_.end()) return std::nullopt;
  std::optional<Result<Reply>> result = std::move(request->result);
  if (result) requests_.erase(request);
  return result;
}

Status ClientEnd::poll() {
  if (broken_) return *broken_;
  // Asked before looking into the queue: what a dying server had sent is still taken in.
  const bool gone = port_->peer_gone();
  if (const Status status = take_in_some(); !status) return give_up(status.error());
  if (gone) return give_up(Error(Code::unavailable, "queue: the server has gone"));
  expire();
  return {};
}

Status ClientEnd::wait(Deadline deadline) {
  if (broken_) return *broken_;
  const Status waited = port_->wait(deadline);
  if (!waited && waited.error().code() == Code::unavailable) return give_up(waited.error());
  return waited;
}

void ClientEnd::abandon(const Error& why) {
  give_up(why);
}

Deadline ClientEnd::next_deadline() const {
  Deadline earliest = no_deadline;
  for (const Pending& request : requests_) earliest = std::min(earliest, request.deadline);
  return earliest;
}

Status ClientEnd::take_in_some() {
  if (broken_) return *broken_;
  TRY(port_->flush());
  for (int i = 0; i < messages_per_turn; ++i) {
    std::optional<Message> message = TRY(port_->receive());
    if (!message) break;
    take_in(*std::move(message));
  }
  return {};
}

void ClientEnd::take_in(Message message) {
  if ((message.header.flags & HOBBES_FRAME_EVENT) != 0) {
    if (event_handler_ && !message.too_large) event_handler_({message.header.code, std::move(message.payload)});
    return;
  }
  const auto request = find(RequestId(message.header.request_id));
  // Late replies, replies to an earlier client of this queue, and inventions answer nothing.
  if (request == requests_.end() || request->result) return;
  if (message.too_large) {
    finish(request, Error(Code::exhausted, "reply: larger than the limit of " +
                                               std::to_string(port_->limits().max_message.value) + " bytes"));
  } else if (message.header.status != HOBBES_STATUS_OK) {
    finish(request, from_wire(message.header.status, message.header.sys_errno, text_of(message.payload)));
  } else {
    finish(request, Reply{request->code, std::move(message.payload)});
  }
}

void ClientEnd::finish(Requests::iterator request, Result<Reply> result) {
  if (!request->done) {
    request->deadline = no_deadline;
    request->result = std::move(result);
    return;
  }
  const Completion done = std::move(request->done);
  requests_.erase(request);  // first: the completion may begin requests
  done(std::move(result));
}

bool ClientEnd::expire() {
  const auto now = std::chrono::steady_clock::now();
  const auto overdue = [&](const Pending& request) { return request.deadline <= now; };
  // From the start each time: a completion may have begun requests.
  for (bool some = false;; some = true) {
    const auto request = std::find_if(requests_.begin(), requests_.end(), overdue);
    if (request == requests_.end()) return some;
    finish(request, Error(Code::timeout, "no answer in time: the other side hangs, or has too much to do"));
  }
}

const Error& ClientEnd::give_up(const Error& why) {
  if (!broken_) broken_ = why;
  const auto unanswered = [](const Pending& request) { return !request.result; };
  while (true) {
    const auto request = std::find_if(requests_.begin(), requests_.end(), unanswered);
    if (request == requests_.end()) return *broken_;
    finish(request, *broken_);
  }
}

}  // namespace hobbes::cmdqueue
