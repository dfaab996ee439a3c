// SPDX-License-Identifier: Apache-2.0
// Futexes (Franke, Russell, Kirkwood, OLS 2002; futex(2)), keyed by physical address, so that processes that share
// memory share them.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

/// FUTEX_WAKE on an address of the running process; returns how many were woken.
int wake_futex(UserAddr address, int count);
/// Robust futexes held by a thread that dies are marked and handed on.
void release_robust_futexes(Thread& self);
/// Afterwards: what else it owned goes to whoever waits for it. Nobody waits for this thread any more.
void leave_pi_futexes(Thread& self);

}  // namespace hobbes::lwk
