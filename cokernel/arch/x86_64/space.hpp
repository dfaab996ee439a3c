// SPDX-License-Identifier: Apache-2.0
// Space: what the port has of a process: its page tables, and what its threads have used.
#pragma once

#include "cokernel/arch/x86_64/page_tables.hpp"
#include "cokernel/kernel/lock.hpp"

namespace hobbes::lwk::x86 {

struct Space : Immovable {
  Mutex lock;  ///< of the tables
  PageTables tables;
  uint32_t threads = 1;  ///< atomic: of the process, as far as they have started and not ended
  uint64_t ticks = 0;    ///< atomic: what threads have run that have left (keep_cpu_time)
  uint64_t voluntary_switches = 0, involuntary_switches = 0;  ///< atomic
};

/// A new space; `lender`: with the same translations. Null: no memory.
[[nodiscard]] Space* create_space(Space* lender);
/// A thread less; the last one takes it away. The running CPU has left it.
void leave_space(Space& space);

}  // namespace hobbes::lwk::x86
