// SPDX-License-Identifier: Apache-2.0
// The port the unit tests run on: physical memory is an anonymous mapping, user memory is found through the address
// space's regions, sleeping is a futex.
#pragma once

#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk::testing {

/// Makes memory and boot parameters.
void start_port();
/// The running thread's own; returns what it was before.
Thread* set_current(Thread* thread);

}  // namespace hobbes::lwk::testing
