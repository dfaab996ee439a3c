// SPDX-License-Identifier: Apache-2.0
// The portable kernel's start.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

/// Checks the boot parameters and sets up memory, CPUs and tables. The port has made physical memory reachable; there is
/// no current thread yet. Panics on nonsense.
void start_kernel();
/// Makes the running kernel context the control task: becomes RUNNING, serves leviathan, returns after SHUTDOWN.
void run_control_task(Thread& self);

}  // namespace hobbes::lwk
