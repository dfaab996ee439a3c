// SPDX-License-Identifier: Apache-2.0
// Client::console: output comes as events and goes out as it is; keys are sent as they are read. What was shown is
// acknowledged, so that leviathan never holds more for a slow reader than one window.
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
/// Keys that may wait for the enclave to take them: more than a person types, so that the escape is always read.
constexpr std::size_t max_waiting_keys = 64 * 1024;

/// What became of typed keys. Its requests may outlive the session.
struct Typing {
  std::size_t waiting = 0;
  Status outcome;
};

class Session {
 public:
  Session(Connection& connection, int in_fd, int out_fd, const ConsoleUse& use)
      : connection_(connection), in_fd_(in_fd), out_fd_(out_fd), use_(use) {
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
    left_ = !use_.follow;
    while (!left_ && !ended_ && outcome_ && typing_->outcome) {
      if (TRY(connection_.wait(typing_->waiting < max_waiting_keys ? in_fd_ : -1))) TRY(read_keys());
      TRY(acknowledge());
    }
    TRY(outcome_);
    if (!ended_) TRY(typing_->outcome);
    // What leviathan has sent comes before its answer, and is shown.
    const protocol::ConsoleRef ours{.console = console_};
    if (!ended_) TRY(connection_.call(request::console_close, ours, short_patience));
    return outcome_;
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
    TRY(write_all(out_fd_, output.data, "output", connection_.interrupt_fd()));
    shown_ = true;
    return {};
  }

  Status end(cmdqueue::PayloadView payload) {
    const auto news = TRY(protocol::decode<protocol::ConsoleEnded>(payload));
    if (news.console == console_) ended_ = true;
    return {};
  }

  Status read_keys() {
    std::array<std::byte, keys_at_once> buffer;
    const auto keys = std::span(buffer).first(TRY(read_some(in_fd_, buffer, "input", connection_.interrupt_fd())));
    if (keys.empty()) in_fd_ = -1;
    const auto escape = std::ranges::find(keys, static_cast<std::byte>(use_.escape));
    left_ = escape != keys.end();
    const auto typed = keys.first(static_cast<std::size_t>(escape - keys.begin()));
    return typed.empty() || !use_.type ? Status() : type(typed);
  }

  /// Answered when the enclave takes them, however late.
  Status type(std::span<const std::byte> keys) {
    const auto message = protocol::encode(protocol::ConsoleData{.console = console_, .data = keys});
    const auto taken = [typing = typing_, count = keys.size()](const Result<cmdqueue::Reply>& reply) {
      typing->waiting -= count;
      if (!reply) typing->outcome = reply.error();
    };
    TRY(connection_.queue().begin(request::console_type, message, cmdqueue::no_deadline, taken));
    typing_->waiting += keys.size();
    return {};
  }

  /// Typing nothing says that all that came was shown.
  Status acknowledge() {
    if (!std::exchange(shown_, false) || ended_) return {};
    const auto nothing = protocol::encode(protocol::ConsoleData{.console = console_, .data = {}});
    TRY(connection_.queue().begin(request::console_type, nothing, cmdqueue::within(short_patience),
                                  [](const Result<cmdqueue::Reply>&) {}));  // a console that ends says so itself
    return {};
  }

  Connection& connection_;
  int in_fd_;
  int out_fd_;
  const ConsoleUse use_;
  std::uint64_t console_ = 0;  ///< 0: not open yet
  std::vector<cmdqueue::Event> early_;  ///< came before the answer that says which console is ours
  const std::shared_ptr<Typing> typing_ = std::make_shared<Typing>();
  bool shown_ = false;  ///< since the last acknowledgement
  bool left_ = false;   ///< by the escape
  bool ended_ = false;  ///< leviathan closed it
  Status outcome_;
};

}  // namespace

Status Client::console(std::string_view enclave, int in_fd, int out_fd, const ConsoleUse& use) {
  return Session(*TRY(impl_->connect()), in_fd, out_fd, use).run(enclave);
}

}  // namespace hobbes::client
