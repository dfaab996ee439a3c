// SPDX-License-Identifier: Apache-2.0
// ResourceLimits: what getrlimit(2) tells of a process. The kernel keeps it to those it has a measure for: stack, data,
// address space, files, processes, CPU time, queued signals, priorities.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

enum Limit : uint32_t {
  limit_cpu = 0, limit_data = 2, limit_stack = 3, limit_core = 4, limit_processes = 6, limit_files = 7,
  limit_locked = 8, limit_space = 9, limit_signals = 11, limit_messages = 12, limit_nice = 13, limit_realtime = 14,
  limit_count = 16,
};

inline constexpr uint64_t unlimited = ~0ull;

struct ResourceLimit {
  uint64_t soft = unlimited, hard = unlimited;
};

struct ResourceLimits {
  ResourceLimit at[limit_count];
  /// Those of a program that has just been launched.
  void start(uint64_t stack, uint64_t data, uint64_t files) {
    at[limit_stack].soft = stack;
    at[limit_data].soft = data;
    at[limit_core] = {0, 0};
    at[limit_files] = {files, files};
    at[limit_nice] = at[limit_realtime] = {0, 0};
  }
};

}  // namespace hobbes::lwk
