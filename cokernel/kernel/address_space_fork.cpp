// SPDX-License-Identifier: Apache-2.0
// The memory half of fork: an eager copy.
#include "cokernel/kernel/address_space.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {

namespace {

/// Bytes of a stack that need no copy when the stack pointer is `depth` bytes above its bottom: whole pages below the red
/// zone.
uint64_t unused_stack(uint64_t depth) {
  constexpr uint64_t red_zone = 128;
  return align_down(depth - min(red_zone, depth), page_size);
}

}  // namespace

int AddressSpace::copy_memory_of(AddressSpace& parent, UserAddr stack_pointer) {
  Guard guard(parent.lock_);
  heap_start_ = parent.heap_start_;
  heap_end_ = parent.heap_end_;
  heap_mapped_ = parent.heap_mapped_;
  heap_limit_ = parent.heap_limit_;
  large_pages_ = parent.large_pages_;
  for (Region& from : parent.regions_) {
    Owned<Region> region(new (nothrow) Region);
    if (!region) return -ENOMEM;
    region->start = from.start;
    region->end = from.end;
    region->protection = from.protection;
    region->may_write = from.may_write;
    region->kind = from.kind;
    region->file_offset = from.file_offset;
    memcpy(region->name, from.name, sizeof(from.name));
    if (from.shared != nullptr) {
      __atomic_add_fetch(&from.shared->references, 1, __ATOMIC_RELAXED);  // the parent holds one
      region->shared = from.shared;
      region->shared_offset = from.shared_offset;
    } else if (from.extents != nullptr) {
      const uint64_t size = from.end - from.start;
      const bool own_stack = from.kind == RegionKind::stack && stack_pointer - from.start < size;
      const uint64_t skip = own_stack ? unused_stack(stack_pointer - from.start) : 0;
      if (page_allocator().allocate_extents(region->start, size, own_stack, region->extents, region->extent_count) != 0)
        return -ENOMEM;
      uint64_t offset = skip;
      (void)for_pieces(from.extents, from.extent_count, skip, size - skip, [&](PhysAddr source, uint64_t length) {
        (void)for_pieces(region->extents, region->extent_count, offset, length, [&](PhysAddr target, uint64_t piece) {
          memcpy(port::direct(target), port::direct(source), piece);
          source += piece;
          return 0;
        });
        offset += length;
        return 0;
      });
    }
    insert(*region);
    (void)region.release();
  }
  return 0;
}

}  // namespace hobbes::lwk
