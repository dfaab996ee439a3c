// SPDX-License-Identifier: Apache-2.0
// Server: leviathan's Unix socket: lets clients in, checks what they may do, hands requests to services.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <set>

#include "leviathan/server/connection.hpp"

namespace hobbes::leviathan {

class Server {
 public:
  /// Nothing is served before start(). `parts` outlives the loop.
  Server(boost::asio::io_context& loop, Parts& parts);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The loop's thread.
  /// Listens on <run_dir>/leviathan.sock; a socket that a dead daemon left is replaced.
  [[nodiscard]] Status start(const std::filesystem::path& run_dir);
  /// Takes the socket away. Who is connected is answered what he asked already, and refused what he asks from now on.
  void accept_no_more();
  /// Ends all connections, too.
  void stop();

 private:
  void wait();
  void accept();
  void admit(UniqueFd socket);
  void serve(CallPtr call);

  boost::asio::io_context& loop_;
  Parts& parts_;
  boost::asio::posix::stream_descriptor listener_;
  std::filesystem::path path_;
  bool stopping_ = false;
  std::set<std::shared_ptr<Connection>> connections_;
};

/// Whether the caller may use the service; the error is his answer.
[[nodiscard]] Status check_privilege(const Service& service, const Caller& caller, const Policy& policy);

}  // namespace hobbes::leviathan
