// SPDX-License-Identifier: Apache-2.0
// Linux's struct rusage.
#pragma once

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/cpu_time.hpp"

namespace hobbes::lwk {

struct ResourceUsage {
  TimeSpec user, system;  ///< in microseconds
  int64_t largest_kib;
  int64_t rest[13];  ///< what this kernel has nothing of: paging, block I/O, switches
};
static_assert(sizeof(ResourceUsage) == 144);

[[nodiscard]] inline ResourceUsage usage_of(const CpuTime& time, uint64_t mapped_bytes) {
  const auto in_microseconds = [](int64_t ns) {
    return TimeSpec{ns / ns_per_second, ns % ns_per_second / 1000};
  };
  return {in_microseconds(time.user_ns), in_microseconds(time.system_ns), static_cast<int64_t>(mapped_bytes >> 10), {}};
}

}  // namespace hobbes::lwk
