// SPDX-License-Identifier: Apache-2.0
// The port the unit tests run on: physical memory is an anonymous mapping, user memory is found through the address
// space's regions, sleeping is a futex.
#pragma once

#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk::testing {

/// Makes memory and boot parameters.
void start_port();
/// Hears of each change of the running process' page tables, and may refuse to map. Null: nobody cares.
struct PageChange {
  enum class Kind { map, unmap, protect } kind;
  UserAddr start;
  uint64_t size;
  PhysAddr physical;    ///< of a mapping
  uint32_t protection;  ///< not of what is unmapped
};
inline int (*on_page_change)(const PageChange&) = nullptr;
/// Hears who is interrupted. Null: nobody cares.
inline void (*on_interrupt)(Thread&) = nullptr;
/// Hears where threads are to be kept. Null: nobody cares.
inline void (*on_affinity)(const Thread&, const uint64_t mask[4]) = nullptr;
/// The running thread's own; returns what it was before.
Thread* set_current(Thread* thread);

}  // namespace hobbes::lwk::testing
