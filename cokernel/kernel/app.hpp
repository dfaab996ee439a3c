// SPDX-License-Identifier: Apache-2.0
// App: an application as leviathan launched it: one process a rank, all their descendants, one host-I/O channel.
#pragma once

#include "cokernel/kernel/address_space.hpp"
#include "cokernel/kernel/call_counts.hpp"
#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/types.hpp"
#include "cokernel/kernel/wait_queue.hpp"
#include "kernel-bridge/abi/commands.h"
#include "kernel-bridge/abi/host_io.h"

namespace hobbes::lwk {

class Smartmap;

struct App : ListNode, Immovable {
  // Constant after creation.
  uint64_t id = 0;
  hobbes_hio_channel* channel = nullptr;
  uint32_t uid = 0, gid = 0;
  bool rewrite = true;
  MemoryPlan memory;
  Smartmap* smartmap = nullptr;  ///< its own; null: its ranks do not see each other
  uint64_t cpu_mask[4] = {};
  char name[64] = {};

  // Under the process table's lock.
  uint32_t state = HOBBES_APP_INITTED;  ///< RUNNING: all ranks are loaded and may go
  bool launched = false;                ///< there is one launch in its life
  bool killed = false;                  ///< all of it: nobody forks any more, or he would be ahead of his end for ever
  int exit_code = 0;                    ///< of the first rank that failed; so is `signal`
  int signal = 0;
  uint32_t processes = 0;               ///< alive
  uint32_t ranks = 0;                   ///< of these, processes that were launched
  uint32_t first_rank = 0;              ///< number of the first of them in its job
  bool is_job = false;                  ///< of several ranks, here or elsewhere
  uint64_t sent = 0;                    ///< signals that all of it were sent
  uint32_t dead_rank = 0;               ///< 1 + number of the rank whose death ended the others, or 0
  WaitQueue loaded;                     ///< ranks wait here for each other
  CallSum calls;                        ///< of threads that have left
};

}  // namespace hobbes::lwk
