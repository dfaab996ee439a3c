// SPDX-License-Identifier: Apache-2.0
// ControlQueue: leviathan's end of the queue to one enclave's kernel. Many commands may be in flight; each has a
// deadline. Commands of the codes in abi/queue.h and abi/commands.h.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "kernel-bridge/bridge.hpp"

namespace hobbes::leviathan {

class ControlQueue {
 public:
  using Payload = std::vector<std::byte>;
  using Done = std::function<void(Result<Payload>)>;
  using EventHandler = std::function<void(std::uint32_t code, std::span<const std::byte> payload)>;
  using Duration = std::chrono::steady_clock::duration;

  /// Takes up the queue where it stands. `machine` must live until close() has run.
  [[nodiscard]] static Result<ControlQueue> open(boost::asio::io_context& loop, bridge::Machine& machine);
  ControlQueue(ControlQueue&&) noexcept = default;
  ControlQueue& operator=(ControlQueue&&) noexcept = default;
  ~ControlQueue() = default;

  /// Sends a command; `done` gets the answer on the loop's thread, exactly once: the reply's payload, the enclave's
  /// refusal, timeout, or unavailable (the enclave ended). Any thread.
  void request(std::uint32_t code, std::span<const std::byte> payload, Duration patience, Done done);
  /// The same for a worker that has other things to do before it needs the answer. On the loop's thread, waiting for it
  /// would never end.
  [[nodiscard]] std::future<Result<Payload>> begin(std::uint32_t code, std::span<const std::byte> payload,
                                                   Duration patience);
  /// The same, and waits. Workers only.
  [[nodiscard]] Result<Payload> call(std::uint32_t code, std::span<const std::byte> payload, Duration patience);

  // The loop's thread.
  /// From now on events of the enclave go to `handler`; those that came before are given to it too.
  void start(EventHandler handler);
  /// Answers all commands with `why`, and all later ones; the machine is not touched any more.
  void close(const Error& why);

 private:
  class Impl;
  explicit ControlQueue(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<Impl> impl_;
};

}  // namespace hobbes::leviathan
