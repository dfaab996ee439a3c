// SPDX-License-Identifier: Apache-2.0
// Reads a queue that two other processes are using. Nothing is written, not even an index; what is read may be torn,
// and is bounded by checks of every word.
#include "cmdqueue/dump.hpp"

#include "kernel-bridge/abi/ring.hpp"

namespace hobbes::cmdqueue {
namespace {

RingSnapshot snapshot_ring(const abi::Ring& ring) {
  const hobbes_ring& control = ring.control();
  RingSnapshot result;
  result.size = ring.size();
  // `consumed` first: the pair read is then never too short, only perhaps longer than what is still there.
  result.consumed = __atomic_load_n(&control.consumed, __ATOMIC_ACQUIRE);
  result.produced = __atomic_load_n(&control.produced, __ATOMIC_ACQUIRE);
  result.consumer_sleeps = __atomic_load_n(&control.consumer_sleep, __ATOMIC_RELAXED) == HOBBES_ASLEEP;
  result.producer_sleeps = __atomic_load_n(&control.producer_sleep, __ATOMIC_RELAXED) == HOBBES_ASLEEP;

  result.garbled = result.produced < result.consumed;

  abi::RingConsumer reader(ring);
  abi::FrameView view;
  while (reader.position() < result.produced) {
    if (reader.peek(view) != abi::RingStatus::ok) {
      // Nonsense, unless the frame was consumed and overwritten while we looked.
      result.garbled = __atomic_load_n(&control.consumed, __ATOMIC_ACQUIRE) <= reader.position();
      break;
    }
    result.frames.push_back(view.header);
    reader.skip();
  }
  return result;
}

std::string record(const hobbes_frame& frame, bool returned) {
  const std::string size = std::to_string(frame.length);
  return "CMD " + std::to_string(frame.request_id) + ": CODE=" + std::to_string(frame.code) + ", SIZE=" +
         (returned ? "0" : size) + ", STATUS=" + (returned ? "RETURNED" : "PENDING") + ", SEGID=-1,  RET_CODE=" +
         std::to_string(returned ? frame.status : 0) + ", RET_SIZE=" + (returned ? size : "0") + "\n";
}

std::string ring_line(const char* name, const RingSnapshot& ring) {
  return std::string(name) + ": " + std::to_string(ring.produced - ring.consumed) + " of " + std::to_string(ring.size) +
         " bytes in use, " + std::to_string(ring.produced) + " ever" + (ring.consumer_sleeps ? ", reader sleeps" : "") +
         (ring.producer_sleeps ? ", writer waits for room" : "") + (ring.garbled ? ", GARBLED" : "") + "\n";
}

}  // namespace

Result<QueueSnapshot> snapshot(std::span<const std::byte> memory) {
  abi::QueueView view;
  // The view is only read through; its type is the one the ends write through.
  if (!abi::open_queue(const_cast<std::byte*>(memory.data()), memory.size(), view)) {
    return Error(Code::corrupt, "queue: no queue in this memory");
  }
  QueueSnapshot result;
  result.requests = snapshot_ring(view.requests);
  result.replies = snapshot_ring(view.replies);
  result.client_closed = __atomic_load_n(&view.header->client_closed, __ATOMIC_RELAXED) != 0;
  result.server_closed = __atomic_load_n(&view.header->server_closed, __ATOMIC_RELAXED) != 0;
  return result;
}

std::string to_text(const QueueSnapshot& queue) {
  const auto& pending = queue.requests.frames;
  std::string text = "HCQ -- Command Count: " + std::to_string(pending.size() + queue.replies.frames.size()) +
                     " ;  Pending Command: " + (pending.empty() ? "none" : std::to_string(pending.front().request_id)) +
                     "\n";
  for (const hobbes_frame& frame : pending) text += record(frame, false);
  for (const hobbes_frame& frame : queue.replies.frames) text += record(frame, true);
  text += ring_line("requests", queue.requests);
  text += ring_line("replies", queue.replies);
  if (queue.client_closed) text += "the client has left\n";
  if (queue.server_closed) text += "the server has left\n";
  return text;
}

Result<std::string> dump(std::span<const std::byte> memory) {
  return to_text(TRY(snapshot(memory)));
}

}  // namespace hobbes::cmdqueue
