// SPDX-License-Identifier: Apache-2.0
// Service: one request a client may make of leviathan, and the table row that names it. The tables of all areas are
// joined in services.cpp; adding a request is a handler, a row in its area's table, a test and a line of documentation.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "leviathan/caller.hpp"

namespace hobbes::leviathan {

struct Parts;
class Session;

using Payload = std::vector<std::byte>;

/// One request being served. It is answered once, now or later, from any thread. One that is dropped unanswered is
/// answered `unavailable`, so no client waits for ever. An answer to a client that left meanwhile is thrown away.
class Call {
 public:
  Call(std::shared_ptr<Session> from, std::uint32_t code, std::uint64_t request_id, Payload payload);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  [[nodiscard]] const Caller& caller() const;
  [[nodiscard]] std::uint32_t code() const { return code_; }
  /// A private copy of the frame's payload: hostile bytes, but constant ones.
  [[nodiscard]] std::span<const std::byte> payload() const { return payload_; }
  /// The connection it came over: descriptors the client sent, events to the client, and news of its end.
  [[nodiscard]] const std::shared_ptr<Session>& session() const { return session_; }

  /// Answers. Only the first answer counts.
  void reply(Result<Payload> answer);
  void reply(const Status& status);
  void reply(const Error& error) { reply(Result<Payload>(error)); }

 private:
  std::shared_ptr<Session> session_;
  std::uint32_t code_;
  std::uint64_t request_id_;
  Payload payload_;
  std::atomic_flag answered_;
};

/// Shared, so that handlers can move it into callbacks and onto workers.
using CallPtr = std::shared_ptr<Call>;

/// What a caller must be allowed to do. `use`: he must be a reader, and the thing he uses must be his own or he an admin:
/// whose it is, the handler finds out (check_use in caller.hpp).
enum class Privilege { read, use, change };

struct Service {
  std::uint32_t code;
  std::string_view name;  ///< for logs and messages: the client's word for it
  Privilege privilege;
  /// Runs on the loop's thread and must not block: what may block goes to Node::run_on_worker.
  void (*handler)(Parts&, CallPtr);
};

/// All services, for the server and for tests of the table. Lives for ever.
[[nodiscard]] std::span<const Service> services();
/// Null: there is no such request.
[[nodiscard]] const Service* find_service(std::uint32_t code);

}  // namespace hobbes::leviathan
