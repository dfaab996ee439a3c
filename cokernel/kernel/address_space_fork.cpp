// SPDX-License-Identifier: Apache-2.0
// The memory half of fork: an eager copy.
#include "cokernel/kernel/address_space.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {

uint64_t AddressSpace::copied_pages_locked() {
  uint64_t pages = 0;
  for (const Region& region : regions_)
    if (region.shared == nullptr && region.extents != nullptr) pages += pages_of(region.end - region.start);
  return pages;
}

/// A region of the same place and kind, without memory; shared memory is shared.
Region* AddressSpace::copy_of(const Region& from) {
  auto* region = new (nothrow) Region;
  if (region == nullptr) return nullptr;
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
  }
  return region;
}

void AddressSpace::copy_plan_of(const AddressSpace& parent) {
  heap_start_ = parent.heap_start_;
  heap_end_ = parent.heap_end_;
  heap_mapped_ = parent.heap_mapped_;
  heap_limit_ = parent.heap_limit_;
  large_pages_ = parent.large_pages_;
  limit_ = parent.limit_;
  end_ = parent.end_;
}

int AddressSpace::borrow_memory_of(AddressSpace& parent) {
  Guard guard(parent.lock_);
  copy_plan_of(parent);
  for (const Region& from : parent.regions_) {
    Region* region = copy_of(from);
    if (region == nullptr) return -ENOMEM;
    region->borrowed = true;
    if (from.extents != nullptr) {
      region->extents = static_cast<Extent*>(allocate(from.extent_count * sizeof(Extent)));
      if (region->extents != nullptr) {
        memcpy(region->extents, from.extents, from.extent_count * sizeof(Extent));
        region->extent_count = from.extent_count;
      }
    }
    const bool failed = from.extents != nullptr && region->extents == nullptr;
    insert(*region);
    if (failed) return -ENOMEM;
  }
  return 0;
}

int AddressSpace::copy_memory_of(AddressSpace& parent, UserAddr stack_pointer) {
  Guard guard(parent.lock_);
  // Told before memory is taken and zeroed: whoever tries again soon would spend all his time on that.
  if (parent.copied_pages_locked() > page_allocator().free_pages()) return -ENOMEM;
  copy_plan_of(parent);
  for (Region& from : parent.regions_) {
    Owned<Region> region(copy_of(from));
    if (!region) return -ENOMEM;
    if (from.shared == nullptr && from.extents != nullptr) {
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
