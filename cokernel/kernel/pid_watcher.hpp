// SPDX-License-Identifier: Apache-2.0
// PidWatcher: what a pidfd holds of a process, which may be long gone.
#pragma once

#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/wait_queue.hpp"

namespace hobbes::lwk {

struct Process;

struct PidWatcher : ListNode, Immovable {
  Process* process = nullptr;  ///< under process_lock; null: its parent has taken leave of it
  WaitQueue changed;           ///< woken when it ends
};

}  // namespace hobbes::lwk
