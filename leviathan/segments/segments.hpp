// SPDX-License-Identifier: Apache-2.0
// Segments: memory that processes of any enclave share with processes of any other (XEMEM, docs/xemem.md).
#pragma once

#include "leviathan/node.hpp"
#include "leviathan/segments/enclave_side.hpp"
#include "leviathan/segments/linux_side.hpp"
#include "leviathan/segments/registry.hpp"

namespace hobbes::leviathan::segments {

/// The loop's thread.
class Segments : public EnclaveObserver {
 public:
  /// Observes the node.
  explicit Segments(Node& node);
  Segments(const Segments&) = delete;
  Segments& operator=(const Segments&) = delete;

  /// Forgets what an earlier leviathan kept for processes of Linux.
  void recover();
  [[nodiscard]] LinuxSide& linux_side() { return linux_; }

  void enclave_started(const std::shared_ptr<LiveEnclave>& enclave, bool adopted) override;
  void enclave_ended(EnclaveId enclave) override;
  void app_ended(EnclaveId enclave, const hobbes_app_status& status) override;
  void xemem_requested(EnclaveId enclave, std::span<const std::byte> payload) override;

 private:
  Registry registry_;
  EnclaveSide enclaves_;
  LinuxSide linux_;
};

}  // namespace hobbes::leviathan::segments
