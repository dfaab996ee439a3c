// SPDX-License-Identifier: Apache-2.0
// EnclaveSide: segments as the kernels of enclaves make and use them (abi/xemem.h), and an enclave's memory as others
// map it.
//
// What an enclave attaches of other memory is lent to it in windows: ranges of its physical addresses at which its
// kernel finds a memfd, whole, until nothing in it is attached any more. A segment of its own needs none.
#pragma once

#include <memory>
#include <span>

#include "leviathan/node.hpp"
#include "leviathan/segments/registry.hpp"

namespace hobbes::leviathan::segments {

/// The loop's thread.
class EnclaveSide {
 public:
  EnclaveSide(Node& node, Registry& registry);
  ~EnclaveSide();
  EnclaveSide(const EnclaveSide&) = delete;
  EnclaveSide& operator=(const EnclaveSide&) = delete;

  void started(const std::shared_ptr<LiveEnclave>& enclave, bool adopted);
  /// Its kernel may still run for a moment: what it had attached stays until the enclave's machine has gone.
  void ended(EnclaveId enclave);
  void app_ended(EnclaveId enclave, AppId app);
  /// HOBBES_EVENT_XEMEM. Hostile bytes.
  void requested(EnclaveId enclave, std::span<const std::byte> payload);

  /// The files in which Linux finds a segment's pages. Code::unsupported where Linux has none of that enclave's memory.
  [[nodiscard]] Result<Pieces> pieces_of(const Pages& pages);
  /// Counts a signal for its exporter. EPIPE: he has gone.
  [[nodiscard]] Status signal(SegmentId id, const Segment& segment);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hobbes::leviathan::segments
