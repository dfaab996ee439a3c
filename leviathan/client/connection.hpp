// SPDX-License-Identifier: Apache-2.0
// Connection: a client's socket to leviathan and the command queue that came over it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "cmdqueue/client_end.hpp"
#include "leviathan/protocol/codec.hpp"

namespace hobbes::client {

/// "(start it with: leviathan)", for this directory.
[[nodiscard]] std::string start_hint(const std::filesystem::path& run_dir);

/// One thread. Errors of requests are leviathan's own; unavailable when it has gone.
class Connection {
 public:
  /// unavailable: "leviathan is not running in <run_dir> (start it with: leviathan)"; denied: the caller may not.
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& run_dir);
  /// Whether a leviathan listens there.
  [[nodiscard]] static bool answers(const std::filesystem::path& run_dir);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Sends a request and waits for its answer.
  template <protocol::Message Request>
  [[nodiscard]] Result<protocol::Payload> call(std::uint32_t code, const Request& request,
                                               std::chrono::nanoseconds patience) {
    auto reply = TRY(await(TRY(queue_.begin(code, protocol::encode(request), cmdqueue::within(patience)))));
    return std::move(reply.payload);
  }
  /// Waits for the answer to a request that was begun on queue().
  [[nodiscard]] Result<cmdqueue::Reply> await(cmdqueue::RequestId id);

  /// While `fd` (-1: none) is readable nothing waits: who does hangs up, and gets errno EINTR.
  void interrupt_with(int fd) { interrupt_fd_ = fd; }
  [[nodiscard]] int interrupt_fd() const { return interrupt_fd_; }
  /// Whether requests can still be answered.
  [[nodiscard]] bool usable() { return queue_.poll().has_value(); }

  /// Passes descriptors on; the answer is the token for the request that needs them.
  [[nodiscard]] Result<std::uint64_t> send(std::span<const int> fds);

  /// In a child of fork(), which uses nothing else of it: leviathan is to see the end of the parent.
  void close_socket_of_parent() { socket_.reset(); }

  /// The descriptors that an answer has named.
  [[nodiscard]] Result<std::vector<UniqueFd>> receive(std::uint64_t token);

  /// Sleeps until something comes over the queue, `fd` (-1: none) is readable, or `deadline`; takes in what came.
  /// The answer: `fd` is readable, or at its end.
  [[nodiscard]] Result<bool> wait(int fd, cmdqueue::Deadline deadline = cmdqueue::no_deadline);

  [[nodiscard]] cmdqueue::ClientEnd& queue() { return queue_; }

 private:
  explicit Connection(UniqueFd socket, cmdqueue::ClientEnd queue)
      : socket_(std::move(socket)), queue_(std::move(queue)) {}

  /// Leaves leviathan as if this process had ended; the error is everybody's answer from now on.
  [[nodiscard]] Error hang_up();

  UniqueFd socket_;
  cmdqueue::ClientEnd queue_;  ///< watches socket_
  std::uint64_t next_token_ = 1;
  int interrupt_fd_ = -1;  ///< borrowed
};

}  // namespace hobbes::client
