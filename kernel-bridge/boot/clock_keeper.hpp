// SPDX-License-Identifier: Apache-2.0
// ClockKeeper: has the clock of one enclave follow the node's.
#pragma once

#include <mutex>

#include "kernel-bridge/boot/clock.hpp"

namespace hobbes::bridge {

/// Threads: any.
class ClockKeeper {
 public:
  /// `shared` is in the enclave's boot block, and outlives this.
  explicit ClockKeeper(hobbes_clock& shared) : shared_(shared), start_(sample_clocks()), line_(shared) {}

  void update();

 private:
  hobbes_clock& shared_;
  const ClockSample start_;
  std::mutex mutex_;
  hobbes_clock line_;  // ours, not the shared one, which the enclave could overwrite
};

}  // namespace hobbes::bridge
