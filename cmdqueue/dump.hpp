// SPDX-License-Identifier: Apache-2.0
// What is in a queue, for people: reads only, and puts up with a queue that changes or is garbage.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "kernel-bridge/abi/queue.h"

namespace hobbes::cmdqueue {

struct RingSnapshot {
  std::uint64_t size = 0;
  std::uint64_t produced = 0;
  std::uint64_t consumed = 0;
  bool consumer_sleeps = false;
  bool producer_sleeps = false;
  std::vector<hobbes_frame> frames;  ///< headers of the unread frames, oldest first
  bool garbled = false;              ///< the indices or a frame made no sense; `frames` ends before that
};

struct QueueSnapshot {
  RingSnapshot requests;
  RingSnapshot replies;
  bool client_closed = false;
  bool server_closed = false;
};

/// corrupt: there is no queue in `memory`.
[[nodiscard]] Result<QueueSnapshot> snapshot(std::span<const std::byte> memory);

/// The text of `hobbes dump_cmd_queue`: "HCQ -- Command Count: N ;  Pending Command: M", one line for each unread
/// frame, one for each ring.
[[nodiscard]] std::string to_text(const QueueSnapshot& queue);
[[nodiscard]] Result<std::string> dump(std::span<const std::byte> memory);

}  // namespace hobbes::cmdqueue
