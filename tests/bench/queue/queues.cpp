// SPDX-License-Identifier: Apache-2.0
// The command queue, as bare rings and as its host ends.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "cmdqueue/client_end.hpp"
#include "cmdqueue/server_end.hpp"
#include "tests/bench/queue/contestant.hpp"

namespace hobbes::bench {
namespace {

using namespace hobbes::cmdqueue;
using namespace std::chrono_literals;

template <typename T>
T get(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "bench_queue: %s\n", result.error().text().c_str());
  std::exit(1);
}

UniqueFd duplicate(int fd) { return UniqueFd(dup(fd)); }

class RingPair final : public Contestant {
 public:
  RingPair() : Contestant("ring, polled"), memory_(get(QueueMemory::create())) {}

  void round_trip() override {
    push(requests_out_, ++sent_);
    pop(replies_in_);
  }
  void echo() override { push(replies_out_, pop(requests_in_)); }

 private:
  static void push(abi::RingProducer& ring, std::uint64_t value) {
    const abi::ConstPiece piece{&value, sizeof value};
    ring.try_push({}, &piece, 1);
    ring.need_wakeup();
  }
  static std::uint64_t pop(abi::RingConsumer& ring) {
    while (!ring.readable()) {
    }
    hobbes_frame frame;
    std::uint64_t value = 0;
    ring.try_pop(frame, &value, sizeof value);
    ring.need_wakeup();
    return value;
  }

  QueueMemory memory_;
  abi::RingProducer requests_out_{memory_.view().requests};
  abi::RingConsumer replies_in_{memory_.view().replies};
  std::uint64_t sent_ = 0;
  alignas(HOBBES_CACHE_LINE) abi::RingConsumer requests_in_{memory_.view().requests};
  abi::RingProducer replies_out_{memory_.view().replies};
};

enum class BellKind { futex, event_fd, handed_out };

class Queue final : public Contestant {
 public:
  Queue(std::string name, BellKind kind, std::chrono::nanoseconds poll) : Contestant(std::move(name)) {
    QueueMemory at_server = get(QueueMemory::create());
    QueueMemory at_client = get(QueueMemory::receive(duplicate(at_server.fd())));
    Bells server_bells;
    Bells client_bells;
    make_bells(kind, at_server, server_bells, client_bells);
    Limits limits;
    limits.poll = poll;
    server_.emplace(std::move(at_server), std::move(server_bells), PeerWatch(), limits);
    client_.emplace(std::move(at_client), std::move(client_bells), PeerWatch(), limits);
  }

  void round_trip() override {
    const std::uint64_t value = ++sent_;
    get(client_->call(HOBBES_CMD_PING, payload_of_struct(value), no_deadline));
  }
  void echo() override {
    const Request request = get(server_->wait(no_deadline));
    if (const Status status = server_->reply(request.id, request.payload); !status) std::exit(1);
  }

 private:
  static void make_bells(BellKind kind, const QueueMemory& memory, Bells& server, Bells& client) {
    if (kind == BellKind::futex) {
      std::uint32_t* server_word = &memory.view().requests.control().consumer_sleep;
      std::uint32_t* client_word = &memory.view().replies.control().consumer_sleep;
      server = {Doorbell::futex(server_word), Doorbell::futex(client_word)};
      client = {Doorbell::futex(client_word), Doorbell::futex(server_word)};
      return;
    }
    server.mine = get(Doorbell::create_event_fd());
    client.peers = get(Doorbell::event_fd(duplicate(server.mine.fd())));
    if (kind == BellKind::event_fd) {
      client.mine = get(Doorbell::create_event_fd());
      server.peers = get(Doorbell::event_fd(duplicate(client.mine.fd())));
    } else {
      Doorbell::SocketPair bell = get(Doorbell::create_socket_pair());
      client.mine = std::move(bell.waiter);
      server.peers = std::move(bell.ringer);
    }
  }

  alignas(HOBBES_CACHE_LINE) std::optional<ServerEnd> server_;
  alignas(HOBBES_CACHE_LINE) std::optional<ClientEnd> client_;
  std::uint64_t sent_ = 0;
};

}  // namespace

std::unique_ptr<Contestant> make_ring() { return std::make_unique<RingPair>(); }
std::unique_ptr<Contestant> make_polled_queue() {
  return std::make_unique<Queue>("queue, polled", BellKind::event_fd, 1s);
}
std::unique_ptr<Contestant> make_futex_queue() {
  return std::make_unique<Queue>("queue, futex bells", BellKind::futex, 0s);
}
std::unique_ptr<Contestant> make_eventfd_queue() {
  return std::make_unique<Queue>("queue, eventfd bells", BellKind::event_fd, 0s);
}
std::unique_ptr<Contestant> make_handed_out_queue() {
  return std::make_unique<Queue>("queue, as handed out", BellKind::handed_out, 0s);
}

}  // namespace hobbes::bench
