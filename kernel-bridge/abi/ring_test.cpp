// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/abi/ring.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace hobbes::abi;

namespace {

constexpr std::uint64_t ring_size = HOBBES_RING_MIN_SIZE;
constexpr std::uint64_t object_size = queue_size(ring_size, ring_size);

/// A queue in exactly as much heap as it needs, so that an access outside is one that AddressSanitizer sees.
struct TestQueue {
  TestQueue() { REQUIRE(format_queue(bytes(), object_size, ring_size, ring_size)); }

  std::uint8_t* bytes() const { return memory.get(); }
  hobbes_queue_header& header() const { return *reinterpret_cast<hobbes_queue_header*>(bytes()); }
  QueueView view() const {
    QueueView view;
    REQUIRE(open_queue(bytes(), object_size, view));
    return view;
  }

  struct Free {
    void operator()(std::uint8_t* memory) const { operator delete[](memory, std::align_val_t(HOBBES_CACHE_LINE)); }
  };
  std::unique_ptr<std::uint8_t[], Free> memory{new (std::align_val_t(HOBBES_CACHE_LINE)) std::uint8_t[object_size]};
};

hobbes_frame frame_of(std::uint32_t code, std::uint64_t id) {
  hobbes_frame frame{};
  frame.code = code;
  frame.request_id = id;
  return frame;
}

RingStatus push(RingProducer& producer, std::string_view payload, std::uint64_t id = 1) {
  const ConstPiece piece{payload.data(), payload.size()};
  return producer.try_push(frame_of(HOBBES_CMD_PING, id), &piece, 1);
}

/// "id:payload", or the status.
std::string pop(RingConsumer& consumer) {
  std::string buffer(ring_size, '\0');
  hobbes_frame frame;
  switch (consumer.try_pop(frame, buffer.data(), buffer.size())) {
    case RingStatus::ok: return std::to_string(frame.request_id) + ":" + buffer.substr(0, frame.length);
    case RingStatus::empty: return "empty";
    case RingStatus::corrupt: return "corrupt";
    case RingStatus::too_large: return "too large";
    case RingStatus::full: return "full";
  }
  return "?";
}

std::string text_of_size(std::uint64_t size) {
  std::string text(size, '\0');
  for (std::uint64_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + size) % 26);
  return text;
}

}  // namespace

TEST_CASE("a frame comes out as it went in, with its pieces joined", "[ring]") {
  TestQueue queue;
  RingProducer producer(queue.view().requests);
  RingConsumer consumer(queue.view().requests);
  hobbes_frame sent = frame_of(HOBBES_CMD_APP_KILL, 77);
  sent.status = -5;
  sent.flags = HOBBES_FRAME_REPLY;
  sent.sys_errno = 13;
  const ConstPiece pieces[] = {{"ab", 2}, {nullptr, 0}, {"cde", 3}};
  REQUIRE(producer.try_push(sent, pieces, 3) == RingStatus::ok);

  FrameView view;
  REQUIRE(consumer.peek(view) == RingStatus::ok);
  sent.length = 5;
  CHECK(std::memcmp(&view.header, &sent, sizeof sent) == 0);
  CHECK(std::string(reinterpret_cast<const char*>(view.first), view.first_size) == "abcde");
  consumer.release();
  CHECK(pop(consumer) == "empty");
}

TEST_CASE("a frame's bytes are those in docs/queues.md", "[ring]") {
  TestQueue queue;
  const Ring ring = queue.view().requests;
  RingProducer producer(ring);
  REQUIRE(push(producer, "hello", 258) == RingStatus::ok);
  const std::vector<std::uint8_t> documented = {
      0x05, 0x00, 0x00, 0x00,                          // length 5
      0xb8, 0x0b, 0x00, 0x00,                          // code 3000, PING
      0x02, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // request id 258
      0x00, 0x00, 0x00, 0x00,                          // status
      0x00, 0x00, 0x00, 0x00,                          // flags
      0x00, 0x00, 0x00, 0x00,                          // errno
      0x00, 0x00, 0x00, 0x00,                          // reserved
      'h',  'e',  'l',  'l',  'o',
  };
  CHECK(std::equal(documented.begin(), documented.end(), ring.at(0)));
  CHECK(ring.control().produced == 64);
  CHECK(std::memcmp(queue.bytes(), "HOBEHCQ\0\1\0\0\0\0\1\0\0", 16) == 0);
}

TEST_CASE("frames of every size keep their bytes across the end of the ring", "[ring]") {
  TestQueue queue;
  RingProducer producer(queue.view().requests);
  RingConsumer consumer(queue.view().requests);
  for (std::uint64_t round = 0; round < 3; ++round) {
    for (std::uint64_t size = 0; size <= producer.ring().max_payload(); ++size) {
      const std::string text = text_of_size(size);
      REQUIRE(push(producer, text, size) == RingStatus::ok);
      REQUIRE(pop(consumer) == std::to_string(size) + ":" + text);
    }
  }
}

TEST_CASE("a full ring takes no more until a frame is released", "[ring]") {
  TestQueue queue;
  RingProducer producer(queue.view().requests);
  RingConsumer consumer(queue.view().requests);
  for (std::uint64_t id = 0; id < ring_size / HOBBES_FRAME_ALIGN; ++id) {
    REQUIRE(push(producer, "x", id) == RingStatus::ok);
  }
  CHECK(push(producer, "y") == RingStatus::full);
  CHECK(pop(consumer) == "0:x");
  CHECK(push(producer, "y", 100) == RingStatus::ok);
  CHECK(push(producer, "z") == RingStatus::full);
}

TEST_CASE("two of the largest frames fill a ring, and a larger one never fits", "[ring]") {
  TestQueue queue;
  RingProducer producer(queue.view().requests);
  const std::string largest = text_of_size(producer.ring().max_payload());
  CHECK(push(producer, largest + "x") == RingStatus::too_large);
  CHECK(push(producer, largest) == RingStatus::ok);
  CHECK(push(producer, largest) == RingStatus::ok);
  CHECK(push(producer, "") == RingStatus::full);
}

TEST_CASE("a frame too large for the reader's buffer stays for a larger one", "[ring]") {
  TestQueue queue;
  RingProducer producer(queue.view().requests);
  RingConsumer consumer(queue.view().requests);
  REQUIRE(push(producer, "hello", 3) == RingStatus::ok);
  char small[2];
  hobbes_frame frame;
  REQUIRE(consumer.try_pop(frame, small, sizeof small) == RingStatus::too_large);
  CHECK(frame.length == 5);
  CHECK(pop(consumer) == "3:hello");
}

TEST_CASE("a sleeping consumer is to be woken once", "[ring]") {
  TestQueue queue;
  RingProducer producer(queue.view().requests);
  RingConsumer consumer(queue.view().requests);
  REQUIRE(push(producer, "") == RingStatus::ok);
  CHECK_FALSE(producer.need_wakeup());    // it does not sleep
  CHECK_FALSE(consumer.prepare_sleep());  // and must not: there is a frame
  REQUIRE(push(producer, "") == RingStatus::ok);
  CHECK_FALSE(producer.need_wakeup());
  pop(consumer);
  pop(consumer);
  CHECK(consumer.prepare_sleep());
  REQUIRE(push(producer, "") == RingStatus::ok);
  CHECK(producer.need_wakeup());
  CHECK_FALSE(producer.need_wakeup());
}

TEST_CASE("a producer that waits for room is to be woken once", "[ring]") {
  TestQueue queue;
  RingProducer producer(queue.view().requests);
  RingConsumer consumer(queue.view().requests);
  const std::string half = text_of_size(producer.ring().max_payload());
  CHECK_FALSE(producer.prepare_sleep(half.size()));
  REQUIRE(push(producer, half) == RingStatus::ok);
  REQUIRE(push(producer, half) == RingStatus::ok);
  CHECK(producer.prepare_sleep(half.size()));
  pop(consumer);
  CHECK(consumer.need_wakeup());
  CHECK_FALSE(consumer.need_wakeup());
  CHECK(push(producer, half) == RingStatus::ok);
}

TEST_CASE("ends that are made anew go on where the old ones stood", "[ring]") {
  TestQueue queue;
  const Ring ring = queue.view().requests;
  for (std::uint64_t id = 0; id < 50; ++id) {
    RingProducer producer(ring);
    REQUIRE(push(producer, "first", 2 * id) == RingStatus::ok);
    REQUIRE(push(producer, "second", 2 * id + 1) == RingStatus::ok);
    RingConsumer one(ring);
    REQUIRE(pop(one) == std::to_string(2 * id) + ":first");
    RingConsumer other(ring);
    REQUIRE(pop(other) == std::to_string(2 * id + 1) + ":second");
  }
}

TEST_CASE("what the peer writes after a peek does not change the header that was read", "[ring]") {
  TestQueue queue;
  const Ring ring = queue.view().requests;
  RingProducer producer(ring);
  RingConsumer consumer(ring);
  REQUIRE(push(producer, "abc") == RingStatus::ok);
  FrameView view;
  REQUIRE(consumer.peek(view) == RingStatus::ok);
  reinterpret_cast<hobbes_frame*>(ring.at(0))->length = 0xffffffff;
  ring.control().consumed = 12345;
  consumer.release();
  CHECK(ring.control().consumed == frame_size(3));
}

TEST_CASE("a consumer refuses indices and lengths that cannot be", "[ring][hostile]") {
  TestQueue queue;
  const Ring ring = queue.view().requests;
  RingProducer producer(ring);
  RingConsumer consumer(ring);
  REQUIRE(push(producer, "abc") == RingStatus::ok);
  auto& length = reinterpret_cast<hobbes_frame*>(ring.at(0))->length;
  auto& produced = ring.control().produced;

  SECTION("an index that is not a frame's") { produced = 65; }
  SECTION("more bytes than the ring has") { produced = ring_size + HOBBES_FRAME_ALIGN; }
  SECTION("an index far ahead") { produced = ~std::uint64_t{0} - 63; }
  SECTION("a frame that ends behind what was produced") { length = 64; }
  SECTION("a frame larger than half of the ring") { produced = ring_size, length = ring_size / 2 - 31; }
  SECTION("a length near the end of its type") { produced = ring_size, length = 0xffffffff; }
  CHECK(pop(consumer) == "corrupt");
  CHECK(consumer.readable());
  CHECK_FALSE(consumer.prepare_sleep());

  produced = HOBBES_FRAME_ALIGN;
  length = 3;
  CHECK(pop(consumer) == "corrupt");  // once is for good
}

TEST_CASE("a producer refuses a consumer's index that cannot be", "[ring][hostile]") {
  TestQueue queue;
  const Ring ring = queue.view().requests;
  RingProducer producer(ring);
  while (push(producer, "x") == RingStatus::ok) {
  }
  SECTION("ahead of what was produced") { ring.control().consumed = ring_size + HOBBES_FRAME_ALIGN; }
  SECTION("not a frame's") { ring.control().consumed = 8; }
  SECTION("far behind") { ring.control().consumed = HOBBES_FRAME_ALIGN - ring_size; }
  CHECK(push(producer, "x") == RingStatus::corrupt);
  CHECK_FALSE(producer.prepare_sleep(1));
  ring.control().consumed = ring_size;
  CHECK(push(producer, "x") == RingStatus::corrupt);
}

TEST_CASE("ends of a ring whose indices cannot be are corrupt from the start", "[ring][hostile]") {
  TestQueue queue;
  const Ring ring = queue.view().requests;
  ring.control().consumed = HOBBES_FRAME_ALIGN;
  RingProducer producer(ring);
  RingConsumer consumer(ring);
  CHECK(push(producer, "x") == RingStatus::corrupt);
  CHECK(pop(consumer) == "corrupt");
}

TEST_CASE("a queue is found only where every field of its header makes sense", "[queue][hostile]") {
  TestQueue queue;
  hobbes_queue_header& header = queue.header();
  QueueView view;
  REQUIRE(open_queue(queue.bytes(), object_size, view));
  CHECK_FALSE(open_queue(queue.bytes(), object_size - 1, view));
  CHECK_FALSE(open_queue(queue.bytes(), sizeof header - 1, view));
  CHECK_FALSE(open_queue(queue.bytes() + 8, object_size - 8, view));

  SECTION("magic") { ++header.magic; }
  SECTION("version") { ++header.version; }
  SECTION("header size") { ++header.header_size; }
  SECTION("total size") { ++header.total_size; }
  SECTION("ring offset not aligned") { header.requests.offset += 8; }
  SECTION("ring offset in the header") { header.requests.offset = 192; }
  SECTION("ring offset outside") { header.replies.offset += HOBBES_CACHE_LINE; }
  SECTION("ring offset that overflows") { header.replies.offset = ~std::uint64_t{0} - 63; }
  SECTION("ring size not a power of two") { header.requests.size -= HOBBES_CACHE_LINE; }
  SECTION("ring size too small") { header.requests.size = HOBBES_RING_MIN_SIZE / 2; }
  SECTION("ring size outside") { header.replies.size *= 2; }
  SECTION("ring size that overflows") { header.replies.size = std::uint64_t{1} << 63; }
  SECTION("rings that overlap") { header.replies.offset = header.requests.offset + HOBBES_CACHE_LINE * 2; }
  SECTION("rings in one place") { header.replies = header.requests; }
  CHECK_FALSE(open_queue(queue.bytes(), object_size, view));
}

TEST_CASE("a queue is not made where it does not fit", "[queue]") {
  TestQueue queue;
  CHECK_FALSE(format_queue(queue.bytes(), object_size - 1, ring_size, ring_size));
  CHECK_FALSE(format_queue(queue.bytes() + 32, object_size - 32, HOBBES_RING_MIN_SIZE / 2, ring_size));
  CHECK_FALSE(format_queue(queue.bytes(), object_size, ring_size - 64, ring_size));
}

TEST_CASE("no bytes of the peer's make an end touch memory outside", "[ring][hostile]") {
  std::mt19937_64 random(20);
  for (int round = 0; round < 20000; ++round) {
    TestQueue queue;
    RingProducer producer(queue.view().requests);
    RingConsumer consumer(queue.view().requests);
    for (int step = 0; step < 16; ++step) {
      auto* control = reinterpret_cast<std::uint8_t*>(&producer.ring().control());
      const bool in_control = random() % 2 == 0;
      std::uint8_t* word = control + (in_control ? random() % 4 * 64 : random() % (ring_size / 8) * 8);
      const std::uint64_t value = random() % 4 == 0 ? random() : random() % (2 * ring_size);
      std::memcpy(word, &value, sizeof value);
      push(producer, text_of_size(random() % ring_size));
      pop(consumer);
      producer.prepare_sleep(1);
      consumer.prepare_sleep();
    }
  }
}

namespace {

void futex(std::uint32_t& word, int operation, std::uint32_t value) {
  syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

/// Runs a consumer and a producer that now and then sleep; every message must arrive once and in order. A lost wake-up
/// hangs, and the test runner's timeout reports it.
void run_stress(std::uint64_t messages, unsigned consumer_naps, unsigned producer_naps) {
  TestQueue queue;
  const Ring ring = queue.view().requests;
  hobbes_ring& control = ring.control();
  std::uint64_t wrong = 0;

  std::thread reader([&] {
    RingConsumer consumer(ring);
    std::minstd_rand random(1);
    std::uint64_t values[8] = {};
    for (std::uint64_t next = 0; next < messages;) {
      hobbes_frame frame;
      if (consumer.try_pop(frame, values, sizeof values) == RingStatus::ok) {
        wrong += frame.request_id != next || values[0] != next;
        if (consumer.need_wakeup()) futex(control.producer_sleep, FUTEX_WAKE, 1);
        ++next;
      } else if (random() % consumer_naps == 0 && consumer.prepare_sleep()) {
        futex(control.consumer_sleep, FUTEX_WAIT, HOBBES_ASLEEP);
        consumer.cancel_sleep();
      }
    }
  });

  RingProducer producer(ring);
  std::minstd_rand random(2);
  std::uint64_t values[8] = {};
  for (std::uint64_t next = 0; next < messages;) {
    values[0] = next;
    const ConstPiece piece{values, 8 + random() % 7 * 8};
    if (producer.try_push(frame_of(HOBBES_CMD_PING, next), &piece, 1) == RingStatus::ok) {
      if (producer.need_wakeup()) futex(control.consumer_sleep, FUTEX_WAKE, 1);
      ++next;
    } else if (random() % producer_naps == 0 && producer.prepare_sleep(piece.size)) {
      futex(control.producer_sleep, FUTEX_WAIT, HOBBES_ASLEEP);
      producer.cancel_sleep();
    }
  }
  reader.join();
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("no wake-up is lost and no message either, however the ends sleep", "[ring][stress]") {
  SECTION("both nap now and then") { run_stress(2'000'000, 300, 300); }
  SECTION("both always sleep when they can") { run_stress(300'000, 1, 1); }
  SECTION("only the consumer sleeps") { run_stress(300'000, 1, 1'000'000); }
  SECTION("only the producer sleeps") { run_stress(300'000, 1'000'000, 1); }
}
