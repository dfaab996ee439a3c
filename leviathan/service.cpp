// SPDX-License-Identifier: Apache-2.0
// Call: see service.hpp.
#include "leviathan/service.hpp"

#include "leviathan/server/session.hpp"

namespace hobbes::leviathan {

Call::Call(std::shared_ptr<Session> from, std::uint32_t code, std::uint64_t request_id, Payload payload)
    : session_(std::move(from)), code_(code), request_id_(request_id), payload_(std::move(payload)) {}

Call::~Call() { reply(Error(Code::unavailable, "leviathan: gave the request up")); }

const Caller& Call::caller() const { return session_->caller(); }

void Call::reply(Result<Payload> answer) {
  if (!answered_.test_and_set()) session_->send_reply(request_id_, code_, std::move(answer));
}

void Call::reply(const Status& status) {
  if (!status) return reply(Result<Payload>(status.error()));
  reply(Result<Payload>(Payload{}));
}

}  // namespace hobbes::leviathan
