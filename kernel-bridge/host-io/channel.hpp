// SPDX-License-Identifier: Apache-2.0
// Channel: the proxy's end of a host-I/O channel (abi/host_io.h) that lies in memory a hostile enclave writes.
//
// Nothing read from the channel is trusted or read twice: a request is copied once, slot numbers are the proxy's own.
// Pairs of sequentially consistent operations that keep a sleeper from missing its call:
//
//        co-kernel                              worker
//   C1   state = POSTED                    W1   sleepers = n
//   C2   posted += 1                       W2   seen = posted
//        ---- full barrier ----            W3   look for POSTED slots
//   C3   sleepers != 0: wake `posted`      W4   sleep while posted == seen
//
// Either C3 sees W1 or W2 sees C2, and then W3 sees C1. `waiter` and DONE are the same picture the other way round. Where
// `sleepers` says 0 because a worker looks for calls and that one is kept after all, the co-kernel wakes one when it finds its
// call not taken for long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/result.hpp"
#include "kernel-bridge/abi/host_io.h"
#include "kernel-bridge/host-io/futex.hpp"

namespace hobbes::host_io {

/// A call as it was when a worker took it.
struct Request {
  std::uint32_t nr = 0;
  std::array<std::int64_t, 6> args{};
};

class Channel {
 public:
  /// Checks alignment, size, magic, version and slot count. `memory` outlives the channel.
  [[nodiscard]] static Result<Channel> open(std::byte* memory, std::size_t size);

  [[nodiscard]] std::uint32_t slot_count() const { return slot_count_; }

  /// POSTED -> RUNNING; false where the slot is not posted, or another worker was faster. Any thread.
  [[nodiscard]] bool take(std::uint32_t slot);
  /// The request of a slot that this thread took.
  [[nodiscard]] Request request(std::uint32_t slot) const;
  /// RUNNING -> DONE, and wakes the waiter.
  void complete(std::uint32_t slot, std::int64_t result);
  /// Whether the co-kernel gives the slot's call up.
  [[nodiscard]] bool cancelled(std::uint32_t slot) const;

  [[nodiscard]] std::uint32_t& posted() { return header_->posted; }
  [[nodiscard]] std::uint32_t& cancels() { return header_->cancels; }
  void set_sleepers(std::uint32_t count);
  /// The co-kernel may name memory of this block from now on. False: there is no room to say so.
  bool publish(std::uint64_t base, std::uint64_t size);
  /// It may not any more; returns the size that was published, 0: none was. With publish(): one thread a time.
  std::uint64_t withdraw(std::uint64_t base);
  /// proxy_state = READY, and wakes who waits for it.
  void set_ready();
  /// mark_dead() on itself.
  void end();
  /// From now on a write to this descriptor wakes the co-kernel, too (native_bell.hpp).
  void ring_on(int bell) { bell_ = bell; }

 private:
  Channel(hobbes_hio_channel* header, std::uint32_t slot_count) : header_(header), slot_count_(slot_count) {}

  void ring() const;

  hobbes_hio_channel* header_;
  int bell_ = -1;
  std::uint32_t slot_count_;  // checked copy
};

/// For the supervisor of a proxy that ended: proxy_state = DEAD, then every call that was posted or running is DONE
/// with -EIO. Who posts later looks at proxy_state after he posted and answers himself. Safe on whatever the memory
/// holds.
/// Whoever calls it for an enclave on hardware of its own rings for it afterwards.
void mark_dead(hobbes_hio_channel& channel);

}  // namespace hobbes::host_io
