// SPDX-License-Identifier: Apache-2.0
// Both ends of a ring and of a queue (abi/queue.h), freestanding: no libc, exceptions, allocation or system calls.
//
// The peer shares the memory and need not be honest. Each end therefore keeps its own index in private memory and only
// publishes it, reads every word of the peer once, checks it, and then uses the copy. What a hostile peer can still do
// is to make this end see `corrupt`, or garbage in the payloads it copies out: waste its own time.
//
// Sleeping. The sleeper says so, then looks once more; the other side publishes, then looks whether somebody sleeps:
//
//        consumer (sleeper)                       producer (waker)
//   C1   consumer_sleep = ASLEEP             P1   produced = n
//        ---- full barrier ----                   ---- full barrier ----
//   C2   look at produced                    P2   look at consumer_sleep
//   C3   nothing new: sleep                  P3   ASLEEP: set AWAKE, ring the doorbell
//
// With both barriers C2 sees P1 or P2 sees C1, so nobody sleeps on a filled ring. C1 and P1 are sequentially consistent
// stores, C2 and P2 such loads (on x86 the store is the barrier: xchg); drop one and its store can still sit in the
// core's buffer while the load runs: ring_model_test.cpp shows the lost wake-up. A producer that waits for room is the
// same picture with `consumed` and `producer_sleep`. How one sleeps and rings (futex, eventfd, IPI) is the user's
// choice; a sleep must end when the bell was rung between C2 and C3.
//
// Threads: an end belongs to one thread at a time.
#pragma once

#include "kernel-bridge/abi/queue.h"

namespace hobbes::abi {

enum class RingStatus {
  ok,
  empty,      ///< nothing to read now
  full,       ///< no room now
  too_large,  ///< the payload never fits in a frame of this ring (push), or not in the caller's buffer (pop)
  corrupt,    ///< the peer broke the format; this end stays so
};

/// Bytes to send; may be empty.
struct ConstPiece {
  const void* data;
  uint64_t size;
};

/// Ring bytes that a frame with `length` bytes of payload takes.
constexpr uint64_t frame_size(uint64_t length) {
  return (sizeof(hobbes_frame) + length + HOBBES_FRAME_ALIGN - 1) / HOBBES_FRAME_ALIGN * HOBBES_FRAME_ALIGN;
}

constexpr bool valid_ring_size(uint64_t size) {
  return size >= HOBBES_RING_MIN_SIZE && size <= HOBBES_RING_MAX_SIZE && (size & (size - 1)) == 0;
}

/// Where a ring lies: its control block with `size` bytes of data behind it. Does not own the memory.
class Ring {
 public:
  Ring() = default;
  /// REQUIRES: `control` is 64-byte aligned and stays mapped with its data; valid_ring_size(size).
  Ring(hobbes_ring* control, uint64_t size) : control_(control), size_(size) {}

  hobbes_ring& control() const { return *control_; }
  uint64_t size() const { return size_; }
  /// The largest payload of one frame. A frame fills half of the ring at most, so that one can be written while the one
  /// before is read.
  uint64_t max_payload() const { return size_ / 2 - sizeof(hobbes_frame); }
  bool valid_indices(uint64_t produced, uint64_t consumed) const {
    return (produced | consumed) % HOBBES_FRAME_ALIGN == 0 && produced - consumed <= size_;
  }

  uint8_t* at(uint64_t index) const { return reinterpret_cast<uint8_t*>(control_ + 1) + (index & (size_ - 1)); }
  /// How much of the `size` bytes at `index` lies before the end of the data; the rest lies at the start.
  uint64_t before_end(uint64_t index, uint64_t size) const {
    const uint64_t room = size_ - (index & (size_ - 1));
    return size < room ? size : room;
  }

 private:
  hobbes_ring* control_ = nullptr;
  uint64_t size_ = 0;
};

/// Clears a sleep word of the peer's; true when it was ASLEEP and the caller now has to ring. P2 and P3 in the picture:
/// pairs with the seq_cst store of ASLEEP in prepare_sleep(). The load comes first because the word's cache line stays
/// shared, and the load cheap, while nobody sleeps.
inline bool take_wakeup(uint32_t& sleep_word) {
  if (__atomic_load_n(&sleep_word, __ATOMIC_SEQ_CST) == HOBBES_AWAKE) return false;
  return __atomic_exchange_n(&sleep_word, HOBBES_AWAKE, __ATOMIC_SEQ_CST) != HOBBES_AWAKE;
}

class RingProducer {
 public:
  RingProducer() = default;
  /// Goes on where the ring stands, so a producer that was restarted loses nothing.
  explicit RingProducer(Ring ring)
      : ring_(ring),
        produced_(__atomic_load_n(&ring.control().produced, __ATOMIC_RELAXED)),
        consumed_(__atomic_load_n(&ring.control().consumed, __ATOMIC_ACQUIRE)),
        corrupt_(!ring.valid_indices(produced_, consumed_)) {}

  const Ring& ring() const { return ring_; }
  /// Bytes produced in the ring's life: different before every push.
  uint64_t position() const { return produced_; }

  /// Appends one frame with the pieces' bytes as its payload; `header.length` is set here. ok, full, too_large or
  /// corrupt. After ok ask need_wakeup().
  RingStatus try_push(hobbes_frame header, const ConstPiece* pieces, unsigned count) {
    uint64_t length = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (pieces[i].size > ring_.max_payload()) return RingStatus::too_large;
      length += pieces[i].size;
    }
    if (length > ring_.max_payload()) return RingStatus::too_large;
    if (const RingStatus status = room_for(length); status != RingStatus::ok) return status;

    header.length = static_cast<uint32_t>(length);
    __builtin_memcpy(ring_.at(produced_), &header, sizeof header);  // aligned to its line: never wraps
    uint64_t index = produced_ + sizeof header;
    for (unsigned i = 0; i < count; ++i) {
      copy_in(index, static_cast<const uint8_t*>(pieces[i].data), pieces[i].size);
      index += pieces[i].size;
    }
    produced_ += frame_size(length);
    // Releases the frame to the load-acquire in RingConsumer::peek(); seq_cst because it is P1 in the picture.
    __atomic_store_n(&ring_.control().produced, produced_, __ATOMIC_SEQ_CST);
    return RingStatus::ok;
  }

  /// Whether try_push() of `length` bytes would say something else than full: made to be polled.
  bool writable(uint64_t length) { return room_for(length) != RingStatus::full; }

  /// After a push: must the consumer's doorbell be rung? Says true once for each sleep.
  bool need_wakeup() { return take_wakeup(ring_.control().consumer_sleep); }

  /// True: the ring has no room for `length` bytes, and the consumer will ring when it has made some; sleep now. False:
  /// there is room, or the ring is corrupt. Call cancel_sleep() after a sleep that may have ended for another reason.
  bool prepare_sleep(uint64_t length) {
    // C1: pairs with take_wakeup() after the consumer's seq_cst store of `consumed`.
    __atomic_store_n(&ring_.control().producer_sleep, HOBBES_ASLEEP, __ATOMIC_SEQ_CST);
    if (!writable(length)) return true;
    cancel_sleep();
    return false;
  }
  void cancel_sleep() { __atomic_store_n(&ring_.control().producer_sleep, HOBBES_AWAKE, __ATOMIC_RELAXED); }

 private:
  RingStatus room_for(uint64_t length) {
    if (corrupt_) return RingStatus::corrupt;
    const uint64_t wanted = frame_size(length);
    if (wanted <= ring_.size() - (produced_ - consumed_)) return RingStatus::ok;
    // Acquires the consumer's reads of what is to be overwritten; seq_cst because it is C2 when about to sleep.
    const uint64_t consumed = __atomic_load_n(&ring_.control().consumed, __ATOMIC_SEQ_CST);
    if (!ring_.valid_indices(produced_, consumed)) {
      corrupt_ = true;
      return RingStatus::corrupt;
    }
    consumed_ = consumed;
    return wanted <= ring_.size() - (produced_ - consumed_) ? RingStatus::ok : RingStatus::full;
  }

  void copy_in(uint64_t index, const uint8_t* from, uint64_t size) {
    if (size == 0) return;
    const uint64_t first = ring_.before_end(index, size);
    __builtin_memcpy(ring_.at(index), from, first);
    if (first < size) __builtin_memcpy(ring_.at(index + first), from + first, size - first);
  }

  Ring ring_;
  uint64_t produced_ = 0;  // ours; the shared word is a copy
  uint64_t consumed_ = 0;  // the consumer's, checked, perhaps old: looked up again only when the ring seems full
  bool corrupt_ = false;
};

/// A frame in place, until release(). The header is a private copy. The payload is still the peer's to change: copy
/// what has to be checked.
struct FrameView {
  hobbes_frame header;
  const uint8_t* first;  ///< header.length bytes in two runs; the second is empty unless the frame wraps around
  uint64_t first_size;
  const uint8_t* second;
  uint64_t second_size;
};

class RingConsumer {
 public:
  RingConsumer() = default;
  /// Goes on where the ring stands, so a consumer that was restarted loses nothing.
  explicit RingConsumer(Ring ring)
      : ring_(ring),
        consumed_(__atomic_load_n(&ring.control().consumed, __ATOMIC_RELAXED)),
        corrupt_(!ring.valid_indices(__atomic_load_n(&ring.control().produced, __ATOMIC_RELAXED), consumed_)) {}

  const Ring& ring() const { return ring_; }
  /// Bytes consumed in the ring's life.
  uint64_t position() const { return consumed_; }

  /// Whether peek() would say something else than empty: made to be polled. Asks for the next frame's cache line along
  /// with the index, so that a poller waits for both lines at once, not for one after the other.
  bool readable() const {
    __builtin_prefetch(ring_.at(consumed_));
    return __atomic_load_n(&ring_.control().produced, __ATOMIC_RELAXED) != consumed_ || corrupt_;
  }

  /// The next frame: ok, empty or corrupt. After ok the frame is there until release().
  RingStatus peek(FrameView& view) {
    if (corrupt_) return RingStatus::corrupt;
    // Acquires the frame from the producer's store in try_push(); seq_cst because it is C2 when about to sleep.
    const uint64_t produced = __atomic_load_n(&ring_.control().produced, __ATOMIC_SEQ_CST);
    if (produced == consumed_) return RingStatus::empty;
    corrupt_ = !ring_.valid_indices(produced, consumed_);
    if (corrupt_) return RingStatus::corrupt;

    copy_header(view.header);
    const uint64_t length = view.header.length;
    current_ = frame_size(length);
    corrupt_ = length > ring_.max_payload() || current_ > produced - consumed_;
    if (corrupt_) return RingStatus::corrupt;

    const uint64_t payload = consumed_ + sizeof(hobbes_frame);
    view.first = ring_.at(payload);
    view.first_size = ring_.before_end(payload, length);
    view.second = ring_.at(payload + view.first_size);
    view.second_size = length - view.first_size;
    return RingStatus::ok;
  }

  /// Moves on without giving the room back, for a reader that only looks. REQUIRES: peek() said ok since.
  void skip() { consumed_ += current_; }

  /// Gives the peeked frame's room back. REQUIRES: peek() said ok since the last release. Then ask need_wakeup().
  void release() {
    skip();
    // Releases our reads to the producer's load in room_for(); seq_cst because it is P1 for a producer that sleeps.
    __atomic_store_n(&ring_.control().consumed, consumed_, __ATOMIC_SEQ_CST);
  }

  /// Copies the next frame out and releases it: ok, empty, too_large (the header is filled in and the frame stays) or
  /// corrupt.
  RingStatus try_pop(hobbes_frame& header, void* buffer, uint64_t capacity) {
    FrameView view;
    if (const RingStatus status = peek(view); status != RingStatus::ok) return status;
    header = view.header;
    if (header.length > capacity) return RingStatus::too_large;
    copy_payload(view, buffer);
    release();
    return RingStatus::ok;
  }

  /// Copies a peeked frame's payload (header.length bytes).
  static void copy_payload(const FrameView& view, void* buffer) {
    if (view.first_size != 0) __builtin_memcpy(buffer, view.first, view.first_size);
    auto* rest = static_cast<uint8_t*>(buffer) + view.first_size;
    if (view.second_size != 0) __builtin_memcpy(rest, view.second, view.second_size);
    // What the caller checks is its copy: the compiler must not go back to the shared bytes for it.
    __asm__ __volatile__("" ::: "memory");
  }

  /// After a release: must the producer's doorbell be rung, because it waits for room? Says true once for each sleep.
  bool need_wakeup() { return take_wakeup(ring_.control().producer_sleep); }

  /// True: nothing to read, and the producer will ring after its next push; sleep now. False: peek() has something to
  /// say. Call cancel_sleep() after a sleep that may have ended for another reason.
  bool prepare_sleep() {
    // C1: pairs with take_wakeup() after the producer's seq_cst store of `produced`.
    __atomic_store_n(&ring_.control().consumer_sleep, HOBBES_ASLEEP, __ATOMIC_SEQ_CST);
    if (!corrupt_ && __atomic_load_n(&ring_.control().produced, __ATOMIC_SEQ_CST) == consumed_) return true;  // C2
    cancel_sleep();
    return false;
  }
  void cancel_sleep() { __atomic_store_n(&ring_.control().consumer_sleep, HOBBES_AWAKE, __ATOMIC_RELAXED); }

 private:
  /// Reads the next header's words once each.
  void copy_header(hobbes_frame& header) const {
    uint64_t words[sizeof header / sizeof(uint64_t)];
    const uint8_t* from = ring_.at(consumed_);
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; ++i) {
      words[i] = __atomic_load_n(reinterpret_cast<const uint64_t*>(from) + i, __ATOMIC_RELAXED);
    }
    __builtin_memcpy(&header, words, sizeof header);
  }

  Ring ring_;
  uint64_t consumed_ = 0;  // ours; the shared word is a copy
  uint64_t current_ = 0;   // size of the peeked frame
  bool corrupt_ = false;
};

/// A queue's parts, where open_queue() found them.
struct QueueView {
  hobbes_queue_header* header = nullptr;
  Ring requests;
  Ring replies;
};

/// Bytes of a queue with rings of these sizes.
constexpr uint64_t queue_size(uint64_t request_ring, uint64_t reply_ring) {
  return sizeof(hobbes_queue_header) + 2 * sizeof(hobbes_ring) + request_ring + reply_ring;
}

/// Makes an empty queue of `size` bytes of memory whose content does not matter. False: the memory is too small or not
/// aligned to a cache line, or a ring size is not valid.
inline bool format_queue(void* memory, uint64_t size, uint64_t request_ring, uint64_t reply_ring) {
  if (reinterpret_cast<uintptr_t>(memory) % HOBBES_CACHE_LINE != 0) return false;
  if (!valid_ring_size(request_ring) || !valid_ring_size(reply_ring)) return false;
  if (size < queue_size(request_ring, reply_ring)) return false;

  hobbes_queue_header header = {};
  header.version = HOBBES_QUEUE_VERSION;
  header.header_size = sizeof header;
  header.total_size = queue_size(request_ring, reply_ring);
  header.requests = {sizeof header, request_ring};
  header.replies = {sizeof header + sizeof(hobbes_ring) + request_ring, reply_ring};

  auto* base = static_cast<uint8_t*>(memory);
  __builtin_memcpy(base, &header, sizeof header);
  __builtin_memset(base + header.requests.offset, 0, sizeof(hobbes_ring));
  __builtin_memset(base + header.replies.offset, 0, sizeof(hobbes_ring));
  // Releases all of the above to the load-acquire in open_queue().
  __atomic_store_n(&reinterpret_cast<hobbes_queue_header*>(base)->magic, HOBBES_QUEUE_MAGIC, __ATOMIC_RELEASE);
  return true;
}

/// Finds the rings of a queue in `size` bytes of memory that the peer may have written: every place is checked to lie
/// inside. False: not a queue of this version.
inline bool open_queue(void* memory, uint64_t size, QueueView& view) {
  if (reinterpret_cast<uintptr_t>(memory) % HOBBES_CACHE_LINE != 0 || size < sizeof(hobbes_queue_header)) return false;
  auto* base = static_cast<uint8_t*>(memory);
  auto* header = reinterpret_cast<hobbes_queue_header*>(base);
  if (__atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) != HOBBES_QUEUE_MAGIC) return false;
  if (__atomic_load_n(&header->version, __ATOMIC_RELAXED) != HOBBES_QUEUE_VERSION) return false;
  if (__atomic_load_n(&header->header_size, __ATOMIC_RELAXED) != sizeof(hobbes_queue_header)) return false;
  if (__atomic_load_n(&header->total_size, __ATOMIC_RELAXED) > size) return false;

  uint64_t ends[2];
  uint64_t starts[2];
  Ring rings[2];
  const hobbes_ring_place* places[] = {&header->requests, &header->replies};
  for (unsigned i = 0; i < 2; ++i) {
    const uint64_t offset = __atomic_load_n(&places[i]->offset, __ATOMIC_RELAXED);
    const uint64_t ring_size = __atomic_load_n(&places[i]->size, __ATOMIC_RELAXED);
    if (!valid_ring_size(ring_size)) return false;
    if (offset % HOBBES_CACHE_LINE != 0 || offset < sizeof(hobbes_queue_header)) return false;
    if (offset > size || size - offset < sizeof(hobbes_ring) + ring_size) return false;
    starts[i] = offset;
    ends[i] = offset + sizeof(hobbes_ring) + ring_size;
    rings[i] = Ring(reinterpret_cast<hobbes_ring*>(base + offset), ring_size);
  }
  if (starts[0] < ends[1] && starts[1] < ends[0]) return false;
  view = {header, rings[0], rings[1]};
  return true;
}

}  // namespace hobbes::abi
