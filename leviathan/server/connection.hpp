// SPDX-License-Identifier: Apache-2.0
// Connection: the Session of one client on leviathan's socket.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <optional>

#include "cmdqueue/server_end.hpp"
#include "leviathan/server/session.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan {

class Connection final : public Session, public std::enable_shared_from_this<Connection> {
 public:
  using Serve = std::function<void(CallPtr)>;
  using Ended = std::function<void(Connection&)>;

  /// `socket` is connected (SOCK_SEQPACKET). A caller whom `policy` (which outlives it) does not let read is turned away
  /// with the reason. `serve` gets each request; `ended` is called once, on the loop's thread.
  Connection(boost::asio::io_context& loop, UniqueFd socket, Caller caller, const Policy& policy, Serve serve,
             Ended ended);

  // The loop's thread.
  /// Waits for the client's greeting, then serves him. The connection keeps itself alive until it closes.
  void start();
  /// Hangs up and undoes what on_close() collected. Harmless if it is closed.
  void close();

  [[nodiscard]] const Caller& caller() const override { return caller_; }
  [[nodiscard]] Result<std::vector<UniqueFd>> take_fds(std::uint64_t token) override;
  [[nodiscard]] Result<std::uint64_t> send_fds(std::span<const int> fds) override;
  std::uint64_t on_close(std::function<void()> undo) override;
  void forget(std::uint64_t on_close_number) override;
  void send_event(std::uint32_t code, std::span<const std::byte> payload) override;
  void send_reply(std::uint64_t request_id, std::uint32_t code, Result<std::vector<std::byte>> answer) override;

 private:
  void wait_for_socket();
  void wait_for_bell();
  void socket_readable();
  [[nodiscard]] Status receive_packets();
  [[nodiscard]] Status greeted(std::span<const std::byte> hello);
  [[nodiscard]] Status keep(std::uint64_t token, std::vector<UniqueFd> fds);
  void serve_requests();
  void end_with(const Error& error);
  void sent(const Status& status);

  boost::asio::io_context& loop_;
  const Caller caller_;
  const Policy& policy_;
  Serve serve_;
  Ended ended_;

  // The loop's thread.
  boost::asio::posix::stream_descriptor socket_;
  std::optional<cmdqueue::ServerEnd> queue_;  ///< after the greeting, until the end
  boost::asio::posix::stream_descriptor bell_;
  bool closed_ = false;
  std::map<std::uint64_t, std::vector<UniqueFd>> fds_;
  std::map<std::uint64_t, std::function<void()>> undo_;
  std::uint64_t next_undo_ = 1;
  std::uint64_t next_token_ = 1;  ///< of descriptors for the client
};

}  // namespace hobbes::leviathan
