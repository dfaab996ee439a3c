// SPDX-License-Identifier: Apache-2.0
// QueueMemory: the shared memory of one queue, checked, with its rings found.
#pragma once

#include <span>

#include "base/mapping.hpp"
#include "base/unique_fd.hpp"
#include "base/units.hpp"
#include "kernel-bridge/abi/ring.hpp"

namespace hobbes::cmdqueue {

struct RingSizes {
  Bytes requests{HOBBES_RING_DEFAULT_SIZE};  ///< powers of two
  Bytes replies{HOBBES_RING_DEFAULT_SIZE};
};

class QueueMemory {
 public:
  /// A new empty queue in a memfd whose size is sealed, so that no holder can cut it away below the others.
  [[nodiscard]] static Result<QueueMemory> create(RingSizes sizes = {});
  /// A queue somebody else created and passed over. Refuses a memfd that could still shrink.
  [[nodiscard]] static Result<QueueMemory> receive(UniqueFd memfd);
  /// Makes an empty queue in memory that the caller keeps mapped (an enclave's).
  [[nodiscard]] static Result<QueueMemory> format(std::span<std::byte> range, RingSizes sizes = {});
  /// Finds the queue in memory that the caller keeps mapped, and goes on where it stands.
  [[nodiscard]] static Result<QueueMemory> open(std::span<std::byte> range);

  [[nodiscard]] const abi::QueueView& view() const { return view_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  /// The memfd, or -1 for memory of the caller's.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  QueueMemory(UniqueFd fd, Mapping mapping, std::span<std::byte> bytes, abi::QueueView view);
  [[nodiscard]] static Result<abi::QueueView> find(std::span<std::byte> bytes);

  UniqueFd fd_;
  Mapping mapping_;
  std::span<std::byte> bytes_;
  abi::QueueView view_;
};

/// Bytes a queue with these rings takes.
[[nodiscard]] Bytes queue_size(RingSizes sizes);

}  // namespace hobbes::cmdqueue
