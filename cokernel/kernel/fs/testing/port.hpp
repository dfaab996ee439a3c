// SPDX-License-Identifier: Apache-2.0
// The port the unit tests run on: physical memory is an anonymous mapping, user memory is found through the address
// space's regions, sleeping is a futex.
#pragma once

#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk::testing {

/// Makes memory and boot parameters.
void start_port();
/// Hears where threads are to be kept. Null: nobody cares.
inline void (*on_affinity)(const Thread&, const uint64_t mask[4]) = nullptr;
/// The running thread's own; returns what it was before.
Thread* set_current(Thread* thread);

}  // namespace hobbes::lwk::testing
