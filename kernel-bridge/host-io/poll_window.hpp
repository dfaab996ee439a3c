// SPDX-License-Identifier: Apache-2.0
// PollWindow: how long a worker polls for the next call before it sleeps.
//
// To be woken takes longer than most calls do, so a worker looks for a while first. For how long pays is learnt from the gaps
// that it slept through, as KVM does with its halt_poll_ns (Documentation/virt/kvm/halt-polling.rst of Linux): one that polling
// could have bridged doubles the window, a longer one ends polling until the next that could have been.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

namespace hobbes::host_io {

/// May be used by all workers at once: what they tell each other is advice.
class PollWindow {
 public:
  using Duration = std::chrono::steady_clock::duration;

  /// The window grows to this many times its first length.
  static constexpr int most_growth = 8;

  /// 0: never poll.
  explicit PollWindow(Duration first) : first_(first), length_(first) {}

  /// 0: sleep at once.
  [[nodiscard]] Duration length() const { return length_.load(std::memory_order_relaxed); }

  /// No call came for `gap`, and then one that a sleeper had to be woken for.
  void slept_through(Duration gap) {
    const Duration longest = first_ * most_growth;
    const Duration next = gap < longest ? std::clamp(length() * 2, first_, longest) : Duration::zero();
    length_.store(next, std::memory_order_relaxed);
  }

 private:
  const Duration first_;
  std::atomic<Duration> length_;
};

}  // namespace hobbes::host_io
