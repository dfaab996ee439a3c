// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the input is what a hostile peer writes into a queue's memory, and both ends then use the queue. Only a
// crash or a sanitizer's report is a failure.
//
// An input is a list of {u16 place, u8 count, count bytes}: the bytes overwrite the queue at place * 8, modulo its
// size. After each the ends take a step.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "cmdqueue/client_end.hpp"
#include "cmdqueue/dump.hpp"
#include "cmdqueue/server_end.hpp"

namespace {

using namespace hobbes;
using namespace hobbes::cmdqueue;

constexpr RingSizes rings{Bytes(HOBBES_RING_MIN_SIZE), Bytes(HOBBES_RING_MIN_SIZE)};
constexpr std::size_t size = abi::queue_size(HOBBES_RING_MIN_SIZE, HOBBES_RING_MIN_SIZE);

Limits small_limits() {
  Limits limits;
  limits.max_message = kib(4);
  limits.max_backlog = kib(16);
  limits.max_in_flight = 8;
  limits.poll = std::chrono::nanoseconds(0);
  return limits;
}

/// Everything an end does with what the peer wrote. Results do not matter: any is right.
void step(ClientEnd& client, ServerEnd& server, std::span<const std::byte> memory, unsigned turn) {
  static const std::array<std::byte, 700> payload{};
  (void)client.begin(HOBBES_CMD_PING, std::span(payload).first(turn * 37 % payload.size()));
  if (const auto request = server.take(); request && *request) (void)server.reply((*request)->id, (*request)->payload);
  (void)server.notify(turn, payload);
  (void)client.poll();
  if (client.arm()) client.disarm();
  if (server.arm()) server.disarm();
  (void)dump(memory);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  alignas(HOBBES_CACHE_LINE) static std::array<std::byte, size> memory;
  memory.fill({});
  auto formatted = QueueMemory::format(memory, rings);
  auto at_server = QueueMemory::open(memory);
  if (!formatted || !at_server) return -1;
  ClientEnd client(*std::move(formatted), {}, {}, small_limits());
  ServerEnd server(*std::move(at_server), {}, {}, small_limits());

  std::span<const std::uint8_t> input(data, length);
  for (unsigned turn = 0; input.size() >= 3; ++turn) {
    const std::size_t place = (input[0] | input[1] << 8) * 8u % size;
    const std::size_t count = std::min({std::size_t{input[2]}, input.size() - 3, size - place});
    if (count != 0) std::memcpy(memory.data() + place, input.data() + 3, count);
    input = input.subspan(3 + count);
    step(client, server, memory, turn);
    (void)QueueMemory::open(memory);
  }
  return 0;
}
