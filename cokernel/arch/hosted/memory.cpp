// SPDX-License-Identifier: Apache-2.0
// Page tables are Linux mappings of block memory: user pages and the direct map show the same file pages.
#include "cokernel/arch/hosted/blocks.hpp"
#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/kernel/port.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::lwk::port {

void* direct(PhysAddr address) { return reinterpret_cast<void*>(HOBBES_HOSTED_DIRECT_MAP + address); }
PhysAddr physical(const void* pointer) { return reinterpret_cast<uint64_t>(pointer) - HOBBES_HOSTED_DIRECT_MAP; }

// The proxy has the enclave's blocks where its processes have them.
uint64_t host_address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

// The machine protocol has plugged the block before, and unplugs it afterwards.
int attach_memory(PhysAddr, uint64_t) { return 0; }
void detach_memory(PhysAddr, uint64_t) {}

int map(UserAddr address, PhysAddr physical, uint64_t size, uint32_t protection) {
  hosted::Block block;
  if (!hosted::find_block(physical, block)) return -EFAULT;
  // Populated now, so that no page fault comes later.
  const int64_t at = linux::call(linux::nr_mmap, address, size, protection,
                                 linux::map_shared | linux::map_fixed | linux::map_populate,
                                 static_cast<uint64_t>(block.fd), physical - block.base);
  return at < 0 ? static_cast<int>(at) : 0;
}

void unmap(UserAddr address, uint64_t size) { linux::call(linux::nr_munmap, address, size); }

int protect(UserAddr address, uint64_t size, uint32_t protection) {
  return static_cast<int>(linux::call(linux::nr_mprotect, address, size, protection));
}

}  // namespace hobbes::lwk::port
