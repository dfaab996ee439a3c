// SPDX-License-Identifier: Apache-2.0
// Session: one client's connection: its socket, its command queue, and what must be undone when it goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "leviathan/caller.hpp"

namespace hobbes::leviathan {

class Session {
 public:
  virtual ~Session() = default;

  /// Constant; any thread.
  [[nodiscard]] virtual const Caller& caller() const = 0;

  // The loop's thread.
  /// The descriptors the client sent over its socket under `token` before the request that names them. They are handed
  /// out once. not_found: none came under that token.
  [[nodiscard]] virtual Result<std::vector<UniqueFd>> take_fds(std::uint64_t token) = 0;
  /// `undo` runs on the loop's thread when the client goes, however it goes; at once if it has gone. Returns a number
  /// for forget().
  virtual std::uint64_t on_close(std::function<void()> undo) = 0;
  /// Takes an on_close() back. Harmless if it ran.
  virtual void forget(std::uint64_t on_close_number) = 0;
  /// Sends the client descriptors, which it takes up when the reply that names the token comes: before that reply.
  /// Returns the token.
  [[nodiscard]] virtual Result<std::uint64_t> send_fds(std::span<const int> fds) = 0;

  // Any thread.
  /// Tells the client something it did not ask for. Lost if the client has gone or never reads.
  virtual void send_event(std::uint32_t code, std::span<const std::byte> payload) = 0;
  /// The answer to a request; Call uses it.
  virtual void send_reply(std::uint64_t request_id, std::uint32_t code, Result<std::vector<std::byte>> answer) = 0;
};

}  // namespace hobbes::leviathan
