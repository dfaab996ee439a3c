// SPDX-License-Identifier: Apache-2.0
// Client::console: output comes as events and goes out as it is; keys are sent as they are read.
#include <algorithm>
#include <array>

#include "leviathan/client/copy.hpp"
#include "leviathan/client/link.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::client {

namespace request = protocol::request;

namespace {

constexpr std::size_t keys_at_once = 4096;

class Session {
 public:
  Session(Connection& connection, int in_fd, int out_fd, char escape)
      : connection_(connection), in_fd_(in_fd), out_fd_(out_fd), escape_(static_cast<std::byte>(escape)) {
    connection_.queue().on_event([this](const cmdqueue::Event& event) { take(event); });
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { connection_.queue().on_event({}); }

  Status run(std::string_view enclave) {
    const protocol::EnclaveName name{.enclave = std::string(enclave)};
    const auto answer = TRY(connection_.call(request::console_open, name, short_patience));
    console_ = TRY(protocol::decode<protocol::ConsoleRef>(answer)).console;
    for (const cmdqueue::Event& event : std::exchange(early_, {})) take(event);
    while (!over_ && outcome_) {
      if (TRY(connection_.wait(over_ ? -1 : in_fd_))) TRY(type());
    }
    TRY(outcome_);
    if (!ended_) TRY(connection_.call(request::console_close, protocol::ConsoleRef{.console = console_}, short_patience));
    return {};
  }

 private:
  /// Called while the queue is polled: must not use it.
  void take(const cmdqueue::Event& event) {
    if (console_ == 0) return early_.push_back(event);
    Status taken;
    if (event.code == protocol::event::console_output) taken = show(event.payload);
    if (event.code == protocol::event::console_ended) taken = end(event.payload);
    if (!taken && outcome_) outcome_ = std::move(taken);
  }

  Status show(cmdqueue::PayloadView payload) {
    const auto output = TRY(protocol::decode<protocol::ConsoleData>(payload));
    if (output.console != console_) return {};  // of an earlier console() of this client
    return write_all(out_fd_, output.data, "output");
  }

  Status end(cmdqueue::PayloadView payload) {
    const auto news = TRY(protocol::decode<protocol::ConsoleEnded>(payload));
    if (news.console == console_) over_ = ended_ = true;
    return {};
  }

  Status type() {
    std::array<std::byte, keys_at_once> buffer;
    const auto keys = std::span(buffer).first(TRY(read_some(in_fd_, buffer, "input")));
    const auto typed = keys.first(static_cast<std::size_t>(std::ranges::find(keys, escape_) - keys.begin()));
    over_ = over_ || keys.empty() || typed.size() < keys.size();
    if (typed.empty()) return {};
    const protocol::ConsoleData message{.console = console_, .data = typed};
    TRY(connection_.call(request::console_type, message, short_patience));
    return {};
  }

  Connection& connection_;
  int in_fd_;
  int out_fd_;
  std::byte escape_;
  std::uint64_t console_ = 0;  ///< 0: not open yet
  std::vector<cmdqueue::Event> early_;  ///< came before the answer that says which console is ours
  bool over_ = false;
  bool ended_ = false;  ///< leviathan closed it
  Status outcome_;
};

}  // namespace

Status Client::console(std::string_view enclave, int in_fd, int out_fd, char escape) {
  return Session(*TRY(impl_->connect()), in_fd, out_fd, escape).run(enclave);
}

}  // namespace hobbes::client
