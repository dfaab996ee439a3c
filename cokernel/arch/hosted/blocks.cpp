// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/hosted/blocks.hpp"

#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::lwk::hosted {
namespace {

constexpr int64_t unplug_patience_ns = ns_per_second;
constexpr uint64_t log_size = 64;

Mutex lock;
Block blocks[max_blocks];
// The last unplugged ranges, by number: every process drops each before the next is unplugged.
Block unplugged[log_size];
uint64_t unplug_count = 0;

int map_block(const Block& block) {
  const int64_t at = linux::call(linux::nr_mmap, HOBBES_HOSTED_DIRECT_MAP + block.base, block.size,
                                 block.protection, linux::map_shared | linux::map_fixed,
                                 static_cast<uint64_t>(block.fd), 0);
  return at < 0 ? static_cast<int>(at) : 0;
}

bool all_have_dropped(uint64_t count) {
  Guard guard(process_lock());
  for (Process& process : all_processes())
    if (process.state == ProcessState::alive && __atomic_load_n(&process.port_seen, __ATOMIC_ACQUIRE) < count) return false;
  return true;
}

}  // namespace

void start_blocks() {
  const hobbes_boot_params& boot = boot_params();
  for (uint32_t i = 0; i < boot.region_count && i < max_blocks; ++i) {
    const hobbes_boot_region& region = boot.regions[i];
    if (region.base + region.size > HOBBES_HOSTED_DIRECT_SIZE) panic("memory region %x is out of reach", region.base);
    blocks[i] = {region.base, region.size, region.fd, port::prot_read | port::prot_write};
    if (i > 0 && map_block(blocks[i]) != 0) panic("memory region %x cannot be mapped", region.base);
  }
}

int plug_block(const Block& plugged) {
  Guard guard(lock);
  const PhysAddr base = plugged.base;
  const uint64_t size = plugged.size;
  if (size == 0 || base + size < base || base + size > HOBBES_HOSTED_DIRECT_SIZE) return -EINVAL;
  Block* free = nullptr;
  for (Block& block : blocks) {
    if (block.size == 0) free = free == nullptr ? &block : free;
    else if (base < block.base + block.size && block.base < base + size) return -EEXIST;
  }
  if (free == nullptr) return -ENOSPC;
  *free = plugged;
  return 0;
}

int unplug_block(PhysAddr base) {
  Block gone;
  uint64_t count = 0;
  {
    Guard guard(lock);
    Block* found = nullptr;
    for (Block& block : blocks)
      if (block.size != 0 && block.base == base) found = &block;
    if (found == nullptr || found == &blocks[0]) return found == nullptr ? -ENOENT : -EBUSY;
    gone = *found;
    *found = {};
    unplugged[unplug_count % log_size] = gone;
    count = ++unplug_count;
  }
  drop_unplugged_blocks();
  {
    Guard guard(process_lock());
    for (Process& process : all_processes())
      if (Thread* thread = process.threads.front()) port::interrupt(*thread);
  }
  const int64_t deadline = monotonic_ns() + unplug_patience_ns;
  while (!all_have_dropped(count) && monotonic_ns() < deadline) linux::call(linux::nr_sched_yield);
  return all_have_dropped(count) ? gone.fd : -EBUSY;
}

uint32_t list_blocks(Block* to) {
  Guard guard(lock);
  uint32_t count = 0;
  for (const Block& block : blocks)
    if (block.size != 0) to[count++] = block;
  return count;
}

bool find_block(PhysAddr address, Block& found) {
  // No lock: a block whose memory is in use stays, and entries are written before their memory is handed out.
  for (const Block& block : blocks) {
    if (address - block.base >= block.size) continue;
    found = block;
    return true;
  }
  return false;
}

bool map_missing_block(uint64_t address) {
  Block block;
  if (address < HOBBES_HOSTED_DIRECT_MAP || !find_block(address - HOBBES_HOSTED_DIRECT_MAP, block)) return false;
  return map_block(block) == 0;
}

void drop_unplugged_blocks() {
  Process& process = *port::current().process;
  const uint64_t count = __atomic_load_n(&unplug_count, __ATOMIC_ACQUIRE);
  for (uint64_t i = process.port_seen; i < count; ++i) {
    const Block& block = unplugged[i % log_size];
    linux::call(linux::nr_munmap, HOBBES_HOSTED_DIRECT_MAP + block.base, block.size);
  }
  __atomic_store_n(&process.port_seen, count, __ATOMIC_RELEASE);  // partner: all_have_dropped
}

}  // namespace hobbes::lwk::hosted
