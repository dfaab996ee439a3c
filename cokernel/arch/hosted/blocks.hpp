// SPDX-License-Identifier: Apache-2.0
// The enclave's memory blocks as this port has them: memfds in the descriptor table that all its Linux processes share.
#pragma once

#include "cokernel/kernel/port.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::lwk::hosted {

struct Block {
  PhysAddr base = 0;
  uint64_t size = 0;  ///< 0: free entry
  int fd = -1;
  uint32_t protection = port::prot_read | port::prot_write;  ///< of the direct map
};

inline constexpr uint32_t max_blocks = HOBBES_MACHINE_MAX_REGIONS;

/// Maps the boot parameters' regions into the direct map of this process (and its future children).
void start_blocks();
/// 0 or -errno (EEXIST, ENOSPC).
[[nodiscard]] int plug_block(const Block& block);
/// Removes it from every process of the enclave; returns its descriptor, or -errno.
[[nodiscard]] int unplug_block(PhysAddr base);
/// Copies all blocks; returns their number.
[[nodiscard]] uint32_t list_blocks(Block* blocks);

/// The block that holds `address`. False: none.
[[nodiscard]] bool find_block(PhysAddr address, Block& block);
/// A fault in the direct map: maps the block it belongs to, if it is one that came after this process. True: try again.
[[nodiscard]] bool map_missing_block(uint64_t address);
/// In every process, soon: forgets blocks that were unplugged.
void drop_unplugged_blocks();

}  // namespace hobbes::lwk::hosted
