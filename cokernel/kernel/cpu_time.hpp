// SPDX-License-Identifier: Apache-2.0
// CPU time of threads and processes, as the port measures it.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

struct Process;
struct Thread;

struct CpuTime {
  int64_t user_ns = 0, system_ns = 0;
  [[nodiscard]] int64_t total() const { return user_ns + system_ns; }
  CpuTime& operator+=(const CpuTime& other) {
    user_ns += other.user_ns;
    system_ns += other.system_ns;
    return *this;
  }
};

/// Under process_lock: all its threads', those that have left too.
[[nodiscard]] CpuTime process_cpu_time(const Process& process);
/// Of a thread of the running process.
[[nodiscard]] int64_t thread_cpu_ns(const Thread& thread);

}  // namespace hobbes::lwk
