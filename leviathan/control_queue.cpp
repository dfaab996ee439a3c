// SPDX-License-Identifier: Apache-2.0
// ControlQueue: a cmdqueue::ClientEnd that belongs to the loop's thread. Other threads hand their requests over to it;
// the enclave's bell and the earliest deadline wake it.
#include "leviathan/control_queue.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>

#include "base/log.hpp"
#include "cmdqueue/client_end.hpp"
#include "leviathan/duplicate.hpp"

namespace hobbes::leviathan {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {
constexpr const char* bell_name = "enclave: doorbell of its control queue";
}

class ControlQueue::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& loop, cmdqueue::ClientEnd end, UniqueFd bell)
      : loop_(loop), end_(std::move(end)), bell_(loop), timer_(loop) {
    error_code failed;
    bell_.assign(bell.release(), failed);
    if (failed) log::error("enclave: doorbell of its control queue: " + failed.message());
  }

  asio::io_context& loop() { return loop_; }

  void start(EventHandler handler) {
    end_->on_event([handler = std::move(handler)](const cmdqueue::Event& event) { handler(event.code, event.payload); });
    serve();
  }

  void send(std::uint32_t code, std::span<const std::byte> payload, Duration patience, Done done) {
    if (!end_) return done(closed_);
    const auto shared_done = std::make_shared<Done>(std::move(done));
    auto sent = end_->begin(code, payload, std::chrono::steady_clock::now() + patience,
                            [shared_done](Result<cmdqueue::Reply> reply) {
                              if (!reply) return (*shared_done)(std::move(reply).error());
                              (*shared_done)(std::move(reply)->payload);
                            });
    if (!sent) return (*shared_done)(std::move(sent).error());
    watch_deadline();
  }

  void close(const Error& why) {
    if (!end_) return;
    closed_ = why;
    error_code ignored;  // nothing can be done about a descriptor that does not close
    bell_.close(ignored);
    timer_.cancel();
    // Completions may come back here with further requests: they must find the queue closed.
    std::optional<cmdqueue::ClientEnd> end = std::exchange(end_, std::nullopt);
    end->abandon(why);
  }

 private:
  /// Takes in what has come; when that is all, the enclave rings for whatever comes next. One that floods us waits for its
  /// turn like everybody else on the loop.
  void serve() {
    if (!end_) return;
    if (const Status polled = end_->poll(); !polled) {
      // That a kernel goes is for the watch of its death to tell.
      if (polled.error().code() != Code::unavailable) log::error(polled.error());
      return close(polled.error());
    }
    if (!end_) return;
    watch_deadline();
    if (!end_->arm()) return asio::post(loop_, [self = shared_from_this()] { self->serve(); });
    bell_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](error_code failed) {
      if (failed || !self->end_) return;
      self->end_->disarm();
      self->serve();
    });
  }

  void watch_deadline() {
    const auto next = end_->next_deadline();
    if (next == watched_) return;
    watched_ = next;
    if (next == cmdqueue::no_deadline) {
      timer_.cancel();
      return;
    }
    timer_.expires_at(next);
    timer_.async_wait([self = shared_from_this()](error_code failed) {
      if (!failed) self->expire();
    });
  }

  void expire() {
    watched_ = cmdqueue::no_deadline;
    if (!end_) return;
    if (const Status polled = end_->poll(); !polled) return close(polled.error());
    if (end_) watch_deadline();
  }

  asio::io_context& loop_;
  std::optional<cmdqueue::ClientEnd> end_;
  Error closed_{Code::unavailable, "enclave: its control queue is closed"};
  asio::posix::stream_descriptor bell_;
  asio::steady_timer timer_;
  cmdqueue::Deadline watched_ = cmdqueue::no_deadline;
};

Result<ControlQueue> ControlQueue::open(asio::io_context& loop, bridge::Machine& machine) {
  auto memory = TRY(cmdqueue::QueueMemory::open({machine.control_queue(), machine.control_queue_size().value}));
  auto bell = TRY(cmdqueue::Doorbell::event_fd(TRY(duplicate(machine.control_bell(), bell_name))));
  cmdqueue::ClientEnd end(std::move(memory),
                          {std::move(bell), cmdqueue::Doorbell::call([&machine] { machine.ring_control(); })});
  return ControlQueue(std::make_shared<Impl>(loop, std::move(end),
                                             TRY(duplicate(machine.control_bell(), bell_name))));
}

void ControlQueue::request(std::uint32_t code, std::span<const std::byte> payload, Duration patience, Done done) {
  if (impl_->loop().get_executor().running_in_this_thread()) return impl_->send(code, payload, patience, std::move(done));
  asio::post(impl_->loop(), [impl = impl_, code, bytes = Payload(payload.begin(), payload.end()), patience,
                             done = std::move(done)]() mutable { impl->send(code, bytes, patience, std::move(done)); });
}

std::future<Result<ControlQueue::Payload>> ControlQueue::begin(std::uint32_t code, std::span<const std::byte> payload,
                                                                Duration patience) {
  const auto answer = std::make_shared<std::promise<Result<Payload>>>();
  request(code, payload, patience, [answer](Result<Payload> result) { answer->set_value(std::move(result)); });
  return answer->get_future();
}

Result<ControlQueue::Payload> ControlQueue::call(std::uint32_t code, std::span<const std::byte> payload,
                                                 Duration patience) {
  return begin(code, payload, patience).get();
}

void ControlQueue::start(EventHandler handler) { impl_->start(std::move(handler)); }
void ControlQueue::close(const Error& why) { impl_->close(why); }

}  // namespace hobbes::leviathan
