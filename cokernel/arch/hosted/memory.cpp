// SPDX-License-Identifier: Apache-2.0
// Page tables are Linux mappings of block memory: user pages and the direct map show the same file pages.
#include "cokernel/arch/hosted/blocks.hpp"
#include "cokernel/arch/hosted/entry.hpp"
#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/user_memory.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::lwk::port {

void* direct(PhysAddr address) { return reinterpret_cast<void*>(HOBBES_HOSTED_DIRECT_MAP + address); }
PhysAddr physical(const void* pointer) { return reinterpret_cast<uint64_t>(pointer) - HOBBES_HOSTED_DIRECT_MAP; }

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

bool copy_from_user(void* to, UserAddr from, size_t size) {
  return hosted_copy(to, reinterpret_cast<const void*>(from), size);
}

bool copy_to_user(UserAddr to, const void* from, size_t size) {
  return is_user_range(to, size) && hosted_copy(reinterpret_cast<void*>(to), from, size);
}

int64_t copy_string_from_user(char* to, UserAddr from, size_t limit) {
  if (from < user_start || from >= user_end) return -1;
  return hosted_copy_string(to, reinterpret_cast<const char*>(from), min<uint64_t>(limit, user_end - from));
}

bool load_user_word(UserAddr address, uint32_t& value) {
  return is_user_range(address, sizeof(value)) && hosted_load_word(reinterpret_cast<const uint32_t*>(address), &value);
}

bool compare_exchange_user_word(UserAddr address, uint32_t& expected, uint32_t desired) {
  return is_user_range(address, sizeof(desired)) &&
         hosted_compare_exchange(reinterpret_cast<uint32_t*>(address), &expected, desired);
}

}  // namespace hobbes::lwk::port
