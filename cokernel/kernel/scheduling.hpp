// SPDX-License-Identifier: Apache-2.0
// Scheduling: what a thread was told of its priority. Threads that share a CPU do so in equal turns whatever it says.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

enum class Policy : int { other = 0, fifo = 1, round_robin = 2, batch = 3, idle = 5, deadline = 6 };

struct Scheduling {
  Policy policy = Policy::other;
  int priority = 0;  ///< 1 .. 99 for fifo and round_robin
  int nice = 0;
  bool reset_on_fork = false;
  int io_priority = 0;

  [[nodiscard]] bool is_realtime() const { return policy == Policy::fifo || policy == Policy::round_robin; }
  /// What a new thread or process begins with.
  [[nodiscard]] Scheduling inherited() const {
    Scheduling child = *this;
    child.reset_on_fork = false;
    if (!reset_on_fork) return child;
    if (is_realtime()) child.policy = Policy::other, child.priority = 0;
    child.nice = max(child.nice, 0);
    return child;
  }
};

}  // namespace hobbes::lwk
