// SPDX-License-Identifier: Apache-2.0
// One Feed for each enclave whose console somebody reads or types into: it waits for the console's bell and gives every
// reader what is new to him. Keys for which the console has no room wait here, in order, and are tried again shortly:
// taking keys rings no bell.
#include "leviathan/consoles/consoles.hpp"

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <optional>

#include "base/log.hpp"
#include "leviathan/consoles/console_view.hpp"
#include "leviathan/duplicate.hpp"
#include "leviathan/enclaves/owner.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/server/session.hpp"

namespace hobbes::leviathan::consoles {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds retry_interval{10};
constexpr std::size_t max_waiting_keys = 1 << 20;  // of one enclave
constexpr std::size_t window = HOBBES_CONSOLE_OUTPUT;  // sent to a reader and not shown yet: then he gets no more

void send_output(Session& session, std::uint64_t console, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto chunk = bytes.first(std::min<std::size_t>(bytes.size(), protocol::max_chunk.value));
    session.send_event(protocol::event::console_output,
                       protocol::encode(protocol::ConsoleData{.console = console, .data = chunk}));
    bytes = bytes.subspan(chunk.size());
  }
}

struct Reader {
  std::shared_ptr<Session> session;
  std::uint64_t position = 0;
  std::size_t unshown = 0;  ///< bytes sent since he last said that he has shown all
  std::uint64_t on_close = 0;
};

/// Keys of one request that are still to be typed.
struct Keys {
  CallPtr call;  ///< holds the bytes
  std::span<const std::byte> rest;
};

class Feed : public std::enable_shared_from_this<Feed> {
 public:
  Feed(asio::io_context& loop, std::shared_ptr<LiveEnclave> enclave, UniqueFd bell)
      : enclave_(enclave), view_(enclave->machine->console()), bell_(loop, bell.release()), retry_(loop) {}

  void start() { wait_for_bell(); }

  void add(std::uint64_t console, std::shared_ptr<Session> session) {
    Reader& reader = readers_[console];
    reader.session = std::move(session);
    reader.position = view_.oldest();
    show(console, reader);
  }
  [[nodiscard]] Reader* find(std::uint64_t console) {
    const auto found = readers_.find(console);
    return found == readers_.end() ? nullptr : &found->second;
  }
  void remove(std::uint64_t console) { readers_.erase(console); }

  /// The reader has shown what was sent to him.
  void shown(std::uint64_t console, Reader& reader) {
    reader.unshown = 0;
    show(console, reader);
  }

  void type(CallPtr call, std::span<const std::byte> keys) {
    waiting_bytes_ += keys.size();
    if (waiting_bytes_ > max_waiting_keys) {
      waiting_bytes_ -= keys.size();
      return call->reply(Status(Error(Code::busy, "console: the enclave does not take what is typed")));
    }
    waiting_.push_back({std::move(call), keys});
    type_waiting();
  }

  void end(const std::string& reason) {
    closed_ = true;
    error_code ignored;  // it goes either way
    bell_.close(ignored);
    retry_.cancel();
    for (auto& [console, reader] : readers_) {
      send_new(console, reader);
      reader.session->send_event(protocol::event::console_ended,
                                 protocol::encode(protocol::ConsoleEnded{.console = console, .reason = reason}));
      reader.session->forget(reader.on_close);
    }
    readers_.clear();
    for (const Keys& keys : waiting_) keys.call->reply(Status(Error(Code::unavailable, "console: its enclave has ended")));
    waiting_.clear();
  }

 private:
  void wait_for_bell() {
    bell_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](error_code failed) {
      if (failed || self->closed_) return;
      self->drain_bell();
      for (auto& [console, reader] : self->readers_) self->show(console, reader);
      self->wait_for_bell();
    });
  }

  void drain_bell() {
    std::uint64_t rings = 0;
    error_code empty;  // somebody else may have drained it
    bell_.native_non_blocking(true, empty);
    bell_.read_some(asio::buffer(&rings, sizeof rings), empty);
  }

  void show(std::uint64_t console, Reader& reader) {
    if (reader.unshown < window) send_new(console, reader);
  }

  void send_new(std::uint64_t console, Reader& reader) {
    const auto bytes = view_.read(reader.position);
    reader.unshown += bytes.size();
    send_output(*reader.session, console, bytes);
  }

  void type_waiting() {
    bool typed = false;
    while (!waiting_.empty()) {
      Keys& next = waiting_.front();
      const std::size_t count = view_.type(next.rest);
      typed = typed || count > 0;
      waiting_bytes_ -= count;
      next.rest = next.rest.subspan(count);
      if (!next.rest.empty()) break;
      next.call->reply(Status());
      waiting_.pop_front();
    }
    const auto enclave = enclave_.lock();
    if (typed && enclave) enclave->machine->ring_console();
    if (!waiting_.empty()) try_again();
  }

  void try_again() {
    retry_.expires_after(retry_interval);
    retry_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled && !self->closed_) self->type_waiting();
    });
  }

  std::weak_ptr<LiveEnclave> enclave_;  ///< end() is called before it goes
  ConsoleView view_;
  asio::posix::stream_descriptor bell_;
  asio::steady_timer retry_;
  bool closed_ = false;
  std::map<std::uint64_t, Reader> readers_;
  std::deque<Keys> waiting_;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace

struct Consoles::State {
  explicit State(Node& its_node) : node(its_node) {}

  Result<std::shared_ptr<Feed>> feed_of(const std::shared_ptr<LiveEnclave>& enclave) {
    if (const auto found = feeds.find(enclave->id); found != feeds.end()) return found->second;
    UniqueFd bell = TRY(duplicate(enclave->machine->console_bell(), "bell of a console"));
    auto feed = std::make_shared<Feed>(node.loop(), enclave, std::move(bell));
    feed->start();
    feeds.emplace(enclave->id, feed);
    return feed;
  }

  /// A console of this very session.
  std::shared_ptr<Feed> find(const Call& call, std::uint64_t console) {
    for (const auto& [enclave, feed] : feeds) {
      const Reader* reader = feed->find(console);
      if (reader != nullptr && reader->session == call.session()) return feed;
    }
    return nullptr;
  }

  Node& node;
  // The loop's thread.
  std::map<EnclaveId, std::shared_ptr<Feed>> feeds;
  std::uint64_t next_console = 1;
};

namespace {

Error not_open(std::uint64_t console) {
  return {Code::not_found, "console " + std::to_string(console) + ": is not open"};
}

}  // namespace

Consoles::Consoles(Node& node) : state_(std::make_shared<State>(node)) { node.observe(*this); }
Consoles::~Consoles() = default;

void Consoles::open(CallPtr call) {
  const auto request = protocol::decode<protocol::EnclaveName>(call->payload());
  if (!request) return call->reply(Status(request.error()));
  const Status allowed = enclaves::check_use(state_->node, call->caller(), request->enclave);
  if (!allowed) return call->reply(allowed);
  const auto enclave = state_->node.live(request->enclave);
  if (!enclave) return call->reply(Status(enclave.error()));
  const auto feed = state_->feed_of(*enclave);
  if (!feed) return call->reply(Status(feed.error()));
  const std::uint64_t console = state_->next_console++;
  call->reply(protocol::encode(protocol::ConsoleRef{.console = console}));
  (*feed)->add(console, call->session());
  const auto number = call->session()->on_close([weak = std::weak_ptr(*feed), console] {
    if (const auto still = weak.lock()) still->remove(console);
  });
  if (Reader* reader = (*feed)->find(console)) reader->on_close = number;
}

void Consoles::type(CallPtr call) {
  const auto request = protocol::decode<protocol::ConsoleData>(call->payload());
  if (!request) return call->reply(Status(request.error()));
  const auto feed = state_->find(*call, request->console);
  if (!feed) return call->reply(Status(not_open(request->console)));
  if (request->data.empty()) {
    feed->shown(request->console, *feed->find(request->console));
    return call->reply(Status());
  }
  feed->type(call, request->data);  // the data lie in the call's payload, which the call keeps
}

void Consoles::close(CallPtr call) {
  const auto request = protocol::decode<protocol::ConsoleRef>(call->payload());
  if (!request) return call->reply(Status(request.error()));
  const auto feed = state_->find(*call, request->console);
  if (!feed) return call->reply(Status(not_open(request->console)));
  call->session()->forget(feed->find(request->console)->on_close);
  feed->remove(request->console);
  call->reply(Status());
}

void Consoles::enclave_started(const std::shared_ptr<LiveEnclave>&, bool) {}

void Consoles::enclave_ended(EnclaveId enclave) {
  const auto found = state_->feeds.extract(enclave);
  if (!found.empty()) found.mapped()->end("the enclave has ended");
}

void Consoles::app_ended(EnclaveId, const hobbes_app_status&) {}

}  // namespace hobbes::leviathan::consoles
