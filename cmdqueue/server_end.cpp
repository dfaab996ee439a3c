// SPDX-License-Identifier: Apache-2.0
#include "cmdqueue/server_end.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "cmdqueue/wire_status.hpp"

namespace hobbes::cmdqueue {

ServerEnd::ServerEnd(QueueMemory memory, Bells bells, PeerWatch client, Limits limits)
    : port_(std::make_unique<Port>(std::move(memory), Side::server, std::move(bells), client, limits)) {}

Result<std::optional<Request>> ServerEnd::take() {
  // Asked before looking into the queue: what a dying client had sent is still served.
  const bool gone = port_->peer_gone();
  std::optional<Request> request = TRY(next());
  if (!request && gone) return Error(Code::unavailable, "queue: the client has gone");
  return request;
}

Result<Request> ServerEnd::wait(Deadline deadline) {
  while (true) {
    if (std::optional<Request> request = TRY(next())) return *std::move(request);
    TRY(port_->wait(deadline));
  }
}

Result<std::optional<Request>> ServerEnd::next() {
  if (broken_) return *broken_;
  TRY(port_->flush());
  for (int i = 0; i < messages_per_turn; ++i) {
    std::optional<Message> message = TRY(port_->receive());
    if (!message) break;
    const RequestId id(message->header.request_id);
    const std::uint32_t code = message->header.code;
    if (const std::optional<Error> error = objection(*message)) {
      TRY(send_refusal(id, code, *error));
      continue;
    }
    open_.push_back({id, code});
    return std::optional<Request>({id, code, std::move(message->payload)});
  }
  return std::optional<Request>();
}

std::optional<Error> ServerEnd::objection(const Message& message) const {
  const hobbes_frame& header = message.header;
  if (message.too_large) {
    return Error(Code::exhausted, "request: larger than the limit of " +
                                      std::to_string(port_->limits().max_message.value) + " bytes");
  }
  if ((header.flags & (HOBBES_FRAME_EVENT | HOBBES_FRAME_REPLY)) != 0) {
    return Error(Code::invalid, "request: marked as a reply or an event");
  }
  if (header.request_id == 0) return Error(Code::invalid, "request: id 0 is kept for events");
  if (is_open(RequestId(header.request_id))) {
    return Error(Code::invalid, "request: id " + std::to_string(header.request_id) + " is not answered yet");
  }
  if (open_.size() >= port_->limits().max_in_flight) {
    return Error(Code::busy, "request: " + std::to_string(open_.size()) + " are in flight already");
  }
  return std::nullopt;
}

bool ServerEnd::is_open(RequestId id) const {
  return std::any_of(open_.begin(), open_.end(), [&](const Open& request) { return request.id == id; });
}

Result<std::uint32_t> ServerEnd::close(RequestId id) {
  const auto request = std::find_if(open_.begin(), open_.end(), [&](const Open& open) { return open.id == id; });
  if (request == open_.end()) return Error(Code::not_found, "request " + std::to_string(id.value) + ": not open");
  const std::uint32_t code = request->code;
  open_.erase(request);
  return code;
}

Status ServerEnd::reply(RequestId id, PayloadView payload) {
  const std::uint32_t code = TRY(close(id));
  if (payload.size() > port_->limits().max_message.value) {
    return send_refusal(id, code, Error(Code::exhausted, "reply of " + std::to_string(payload.size()) +
                                                             " bytes: larger than the queue's limit"));
  }
  return send_reply(id, code, payload);
}

Status ServerEnd::refuse(RequestId id, const Error& error) {
  const std::uint32_t code = TRY(close(id));
  return send_refusal(id, code, error);
}

Status ServerEnd::send_reply(RequestId id, std::uint32_t code, PayloadView payload) {
  hobbes_frame header{};
  header.code = code;
  header.request_id = id.value;
  header.flags = HOBBES_FRAME_REPLY;
  return send_or_break(header, payload);
}

Status ServerEnd::send_refusal(RequestId id, std::uint32_t code, const Error& error) {
  hobbes_frame header{};
  header.code = code;
  header.request_id = id.value;
  header.status = to_wire(error.code());
  header.sys_errno = error.sys_errno();
  header.flags = HOBBES_FRAME_REPLY;
  return send_or_break(header, payload_of(error.text()));
}

Status ServerEnd::send_or_break(const hobbes_frame& header, PayloadView payload) {
  if (broken_) return *broken_;
  Status sent = port_->send(header, payload);
  // A reply that cannot be kept is lost, and the client would wait for it: better to part.
  if (!sent) broken_ = sent.error();
  return sent;
}

Status ServerEnd::notify(std::uint32_t code, PayloadView payload) {
  if (broken_) return *broken_;
  hobbes_frame header{};
  header.code = code;
  header.flags = HOBBES_FRAME_EVENT;
  return port_->send(header, payload);
}

}  // namespace hobbes::cmdqueue
