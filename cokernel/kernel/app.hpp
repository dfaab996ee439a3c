// SPDX-License-Identifier: Apache-2.0
// App: an application as leviathan launched it: one leading process, all its descendants, one host-I/O channel.
#pragma once

#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/types.hpp"
#include "kernel-bridge/abi/commands.h"
#include "kernel-bridge/abi/host_io.h"

namespace hobbes::lwk {

struct Process;

struct App : ListNode, Immovable {
  // Constant after creation.
  uint64_t id = 0;
  hobbes_hio_channel* channel = nullptr;
  uint32_t uid = 0, gid = 0;
  bool rewrite = true;
  uint64_t stack_size = 0, heap_size = 0;
  uint64_t cpu_mask[4] = {};
  char name[64] = {};

  // Under the process table's lock.
  uint32_t state = HOBBES_APP_INITTED;
  int exit_code = 0;
  int signal = 0;
  uint32_t processes = 0;   ///< alive
  Process* leader = nullptr;
  uint32_t ranks = 0;       ///< launched
};

}  // namespace hobbes::lwk
