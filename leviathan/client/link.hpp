// SPDX-License-Identifier: Apache-2.0
// Link: what a Client holds: a way to the database and one to leviathan. Its requests are spread over the files of this
// folder by subject.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "db/environment.hpp"
#include "leviathan/client/client.hpp"
#include "leviathan/client/connection.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::client {

/// For requests that leviathan answers from what it knows.
inline constexpr std::chrono::seconds short_patience{30};
/// For requests that boot, plug or read programs.
inline constexpr std::chrono::minutes long_patience{5};

struct Link {
  explicit Link(std::filesystem::path dir) : run_dir(std::move(dir)) {}

  /// The database, opened on first use.
  [[nodiscard]] Result<db::Environment*> database();
  /// The connection, made on first use, and again when it has broken.
  [[nodiscard]] Result<Connection*> connect();
  [[nodiscard]] bool live() const;

  template <protocol::Message Request>
  [[nodiscard]] Result<protocol::Payload> call(std::uint32_t code, const Request& request,
                                               std::chrono::nanoseconds patience) {
    return TRY(connect())->call(code, request, patience);
  }
  /// A request whose answer is text for the operator.
  template <protocol::Message Request>
  [[nodiscard]] Result<std::string> text(std::uint32_t code, const Request& request, std::chrono::nanoseconds patience) {
    const auto answer = TRY(call(code, request, patience));
    return TRY(protocol::decode<protocol::Text>(answer)).text;
  }

  std::filesystem::path run_dir;
  std::optional<db::Environment> environment;
  std::unique_ptr<Connection> connection;
  int interrupt_fd = -1;  ///< borrowed
};

struct Client::Impl : Link {
  using Link::Link;
};

}  // namespace hobbes::client
