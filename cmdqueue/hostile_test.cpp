// SPDX-License-Identifier: Apache-2.0
// A peer that writes what it likes into the queue: the other end says so, and nothing else happens.
#include <fcntl.h>

#include <atomic>
#include <cstring>
#include <random>

#include "cmdqueue/dump.hpp"
#include "cmdqueue/test_queue.hpp"

using namespace hobbes;
using namespace hobbes::cmdqueue;
using namespace hobbes::cmdqueue::test;

namespace {

/// Puts a frame of the test's choice into a ring, as a hostile producer.
void inject(const abi::Ring& ring, hobbes_frame frame, std::string_view payload = {}) {
  abi::RingProducer producer(ring);
  const abi::ConstPiece piece{payload.data(), payload.size()};
  REQUIRE(producer.try_push(frame, &piece, 1) == abi::RingStatus::ok);
}

hobbes_frame frame_of(std::uint32_t code, std::uint64_t id, std::uint32_t flags = 0, std::int32_t status = 0) {
  hobbes_frame frame{};
  frame.code = code;
  frame.request_id = id;
  frame.flags = flags;
  frame.status = status;
  return frame;
}

}  // namespace

TEST_CASE("a server refuses requests that make no sense and serves on", "[queue][hostile]") {
  QueuePair queue;
  const abi::Ring& requests = queue.view().requests;
  inject(requests, frame_of(HOBBES_CMD_PING, 0));
  inject(requests, frame_of(HOBBES_CMD_PING, 7, HOBBES_FRAME_EVENT));
  inject(requests, frame_of(HOBBES_CMD_PING, 8, HOBBES_FRAME_REPLY));
  inject(requests, frame_of(HOBBES_CMD_PING, 9), "good");
  inject(requests, frame_of(HOBBES_CMD_PING, 9), "the same id again");
  const std::optional<Request> good = get(queue.server.take());
  REQUIRE(good);
  CHECK(text_of(good->payload) == "good");
  CHECK_FALSE(get(queue.server.take()));
  get(queue.server.reply(good->id));

  std::string answers;
  abi::RingConsumer replies(queue.view().replies);
  hobbes_frame frame;
  char buffer[200];
  while (replies.try_pop(frame, buffer, sizeof buffer) == abi::RingStatus::ok) {
    answers += std::to_string(frame.request_id) + ":" + std::to_string(frame.status) + " ";
  }
  CHECK(answers == "0:1 7:1 8:1 9:1 9:0 ");
}

TEST_CASE("pieces of different messages that are mixed break the queue", "[queue][hostile]") {
  QueuePair queue;
  inject(queue.view().requests, frame_of(HOBBES_CMD_PING, 1, HOBBES_FRAME_MORE), "a");
  SECTION("another id") { inject(queue.view().requests, frame_of(HOBBES_CMD_PING, 2), "b"); }
  SECTION("another code") { inject(queue.view().requests, frame_of(HOBBES_CMD_SHUTDOWN, 1), "b"); }
  CHECK(failure_code(queue.server.take()) == "corrupt");
  CHECK(failure_code(queue.server.take()) == "corrupt");
}

TEST_CASE("a client drops replies nobody waits for", "[queue][hostile]") {
  QueuePair queue;
  const RequestId id = get(queue.client.begin(HOBBES_CMD_PING, payload_of("x")));
  const abi::Ring& replies = queue.view().replies;
  inject(replies, frame_of(HOBBES_CMD_PING, 4711, HOBBES_FRAME_REPLY), "not yours");
  inject(replies, frame_of(HOBBES_CMD_PING, id.value, HOBBES_FRAME_REPLY), "first");
  inject(replies, frame_of(HOBBES_CMD_PING, id.value, HOBBES_FRAME_REPLY), "second");
  CHECK(text(queue.client.await(id)) == "first");
  get(queue.client.poll());
  CHECK(queue.client.in_flight() == 0);
}

TEST_CASE("a status that does not exist is an error all the same", "[queue][hostile]") {
  QueuePair queue;
  const std::int32_t status = GENERATE(-1, 12, INT32_MAX, INT32_MIN);
  const RequestId id = get(queue.client.begin(HOBBES_CMD_PING, {}));
  inject(queue.view().replies, frame_of(HOBBES_CMD_PING, id.value, HOBBES_FRAME_REPLY, status), "?");
  CHECK(failure_code(queue.client.await(id)) == "corrupt");
}

TEST_CASE("a broken ring ends every request and the queue", "[queue][hostile]") {
  QueuePair queue;
  const RequestId id = get(queue.client.begin(HOBBES_CMD_PING, {}));
  queue.view().replies.control().produced = 3;
  queue.view().requests.control().produced = 3;
  CHECK(failure_code(queue.client.await(id)) == "corrupt");
  CHECK(failure_code(queue.client.begin(HOBBES_CMD_PING, {})) == "corrupt");
  CHECK(failure_code(queue.server.take()) == "corrupt");
}

TEST_CASE("a peer that floods the ring does not hold the reader in one call", "[queue][hostile]") {
  // An endless message: each frame says that more follows. The reader gives up control after one ring's worth.
  Limits limits;
  limits.max_message = Bytes(1000);
  QueuePair queue(small_rings, limits);
  abi::RingProducer producer(queue.view().requests);
  const std::string part(400, 'x');
  const abi::ConstPiece piece{part.data(), part.size()};
  for (int i = 0; i < 100; ++i) {
    while (producer.try_push(frame_of(HOBBES_CMD_PING, 1, HOBBES_FRAME_MORE), &piece, 1) == abi::RingStatus::ok) {
    }
    REQUIRE_FALSE(get(queue.server.take()));
  }
}

TEST_CASE("a server that floods the client with events cannot keep it from its deadline", "[queue][hostile]") {
  QueuePair queue(small_rings);
  std::atomic<bool> stop = false;
  std::thread flood([&] {
    abi::RingProducer producer(queue.view().replies);
    while (!stop) producer.try_push(frame_of(5100, 0, HOBBES_FRAME_EVENT), nullptr, 0);
  });
  CHECK(failure_code(queue.client.call(HOBBES_CMD_PING, {}, within(5ms))) == "timeout");
  stop = true;
  flood.join();
}

TEST_CASE("a client cannot make its server block on either bell", "[doorbell][hostile]") {
  SocketPair sockets;
  ServerEnd server = get(offer_queue(sockets.server.get()));
  const QueueParts parts = get(receive_queue(sockets.client.get()));
  for (const int fd : {parts.bells.mine.fd(), parts.bells.peers.fd()}) {
    REQUIRE(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) == 0);
  }
  server.disarm();  // reads a bell that was not rung
  for (int i = 0; i < 3000; ++i) {  // rings a bell that nobody hears
    parts.memory.view().replies.control().consumer_sleep = HOBBES_ASLEEP;
    get(server.notify(5100));
  }
}

TEST_CASE("a garbled queue is dumped as far as it makes sense, whatever is in it", "[dump][hostile]") {
  std::mt19937_64 random(7);
  QueuePair queue(small_rings);
  std::vector<std::uint64_t> copy(queue.server.memory().bytes().size() / 8 + HOBBES_CACHE_LINE);
  for (int round = 0; round < 5000; ++round) {
    auto* start = reinterpret_cast<std::byte*>(copy.data());
    start += (HOBBES_CACHE_LINE - reinterpret_cast<std::uintptr_t>(start) % HOBBES_CACHE_LINE) % HOBBES_CACHE_LINE;
    const auto original = queue.server.memory().bytes();
    std::memcpy(start, original.data(), original.size());
    for (int i = 0; i < 4; ++i) start[random() % original.size()] = static_cast<std::byte>(random());
    const auto text = dump({start, original.size()});
    CHECK((text.has_value() || text.error().code() == Code::corrupt));
  }
}
