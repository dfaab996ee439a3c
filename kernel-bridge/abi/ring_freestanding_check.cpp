// SPDX-License-Identifier: Apache-2.0
// Compiles ring.hpp with the co-kernel's flags: every member once, as its control task uses them.
#include "kernel-bridge/abi/ring.hpp"

namespace hobbes::abi {

/// Answers one request with its own bytes; true when the doorbell has to be rung.
bool ring_freestanding_check(void* memory, uint64_t size, void* buffer, uint64_t capacity) {
  QueueView queue;
  if (!format_queue(memory, size, HOBBES_RING_MIN_SIZE, HOBBES_RING_MIN_SIZE)) return false;
  if (!open_queue(memory, size, queue)) return false;
  RingConsumer requests(queue.requests);
  RingProducer replies(queue.replies);
  hobbes_frame frame;
  if (requests.try_pop(frame, buffer, capacity) != RingStatus::ok) return requests.prepare_sleep();
  const ConstPiece payload{buffer, frame.length};
  if (replies.try_push(frame, &payload, 1) != RingStatus::ok) return replies.prepare_sleep(frame.length);
  return replies.need_wakeup() || requests.need_wakeup();
}

}  // namespace hobbes::abi
