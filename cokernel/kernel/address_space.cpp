// SPDX-License-Identifier: Apache-2.0
// Regions are split at the edges of whatever is changed, so every operation then works on whole regions.
#include "cokernel/kernel/address_space.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/lent_files.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint64_t room_at_end = 64 * page_size;  ///< mappings are chosen downwards from here
constexpr uint64_t heap_step = 256 << 10;                          ///< a small heap grows in these steps

/// Extents of [offset, offset + size) as a list of their own.
int cut_extents(const Extent* extents, uint32_t count, uint64_t offset, uint64_t size, Extent*& cut, uint32_t& pieces) {
  cut = static_cast<Extent*>(allocate(max<uint64_t>(count, 1) * sizeof(Extent)));
  if (cut == nullptr) return -ENOMEM;
  pieces = 0;
  return for_pieces(extents, count, offset, size, [&](PhysAddr base, uint64_t length) {
    cut[pieces++] = {base, length};
    return 0;
  });
}

}  // namespace

void release_shared(SharedMemory* shared) {
  // acq_rel: the last one to let go sees all writes of the others.
  if (__atomic_sub_fetch(&shared->references, 1, __ATOMIC_ACQ_REL) > 0) return;
  for (uint32_t i = 0; shared->owner == nullptr && i < shared->extent_count; ++i)
    page_allocator().free(shared->extents[i].base, shared->extents[i].size);
  release(shared->extents);
  if (shared->owner != nullptr) shared->owner->unshare(shared->may_write);
  delete shared;
}

AddressSpace::~AddressSpace() { clear(false); }

Region* AddressSpace::find(UserAddr address) {
  for (Region& region : regions_)
    if (address < region.end) return address >= region.start ? &region : nullptr;
  return nullptr;
}

void AddressSpace::insert(Region& region) {
  mapped_bytes_ += region.end - region.start;
  for (Region& other : regions_) {
    if (other.start < region.start) continue;
    regions_.insert_before(other, region);
    return;
  }
  regions_.push_back(region);
}

void AddressSpace::free_region(Region& region) {
  mapped_bytes_ -= region.end - region.start;
  region.unlink();
  // Whoever pins later finds the region no more.
  if (__atomic_load_n(&pins_, __ATOMIC_SEQ_CST) > 0) unmapped_.push_back(region);
  else free_memory(region);
}

void AddressSpace::free_memory(Region& region) {
  if (region.shared != nullptr) release_shared(region.shared);
  if (!region.borrowed)
    for (uint32_t i = 0; i < region.extent_count; ++i)
      page_allocator().free(region.extents[i].base, region.extents[i].size);
  release(region.extents);
  delete &region;
}

void AddressSpace::unpin() {
  if (__atomic_sub_fetch(&pins_, 1, __ATOMIC_SEQ_CST) > 0) return;
  Guard guard(lock_);
  if (__atomic_load_n(&pins_, __ATOMIC_SEQ_CST) > 0) return;  // that one frees them
  while (Region* region = unmapped_.pop_front()) free_memory(*region);
}

/// Makes one region of two neighbours that differ in nothing. False: they do, or there is no memory for the longer list.
bool AddressSpace::absorb(Region& region, Region& next) {
  const bool alike = region.end == next.start && region.protection == next.protection && region.kind == next.kind &&
                     region.borrowed == next.borrowed && region.locked == next.locked && region.shared == nullptr && next.shared == nullptr &&
                     strcmp(region.name, next.name) == 0 &&
                     (region.extents == nullptr) == (next.extents == nullptr) &&
                     (region.kind == RegionKind::anonymous || region.kind == RegionKind::heap);
  // A split copies the list, and must not fail for want of memory when memory is given back.
  constexpr uint32_t longest_list = 256;
  if (!alike || region.extent_count + next.extent_count > longest_list) return false;
  if (region.extents != nullptr) {
    const uint32_t count = region.extent_count + next.extent_count;
    auto* extents = static_cast<Extent*>(allocate(count * sizeof(Extent)));
    if (extents == nullptr) return false;
    memcpy(extents, region.extents, region.extent_count * sizeof(Extent));
    memcpy(extents + region.extent_count, next.extents, next.extent_count * sizeof(Extent));
    release(region.extents);
    region.extents = extents;
    region.extent_count = count;
    release(next.extents);
    next.extents = nullptr;
    next.extent_count = 0;
  }
  mapped_bytes_ += next.end - next.start;
  region.end = next.end;
  free_region(next);
  return true;
}

/// Joins `region` with its neighbours where they are alike; returns what it is part of now.
Region& AddressSpace::merge(Region& region) {
  if (Region* next = regions_.next(region)) (void)absorb(region, *next);
  Region* before = regions_.previous(region);
  return before != nullptr && absorb(*before, region) ? *before : region;
}

UserAddr AddressSpace::hole_locked(UserAddr from, UserAddr to, uint64_t size, uint64_t alignment) {
  // Downwards: the highest hole that fits.
  UserAddr end = to;
  UserAddr best = 0;
  UserAddr start = from;
  for (Region& region : regions_) {
    if (region.end <= from) continue;
    if (region.start >= end) break;
    if (region.start > start && region.start - start >= size) {
      const UserAddr candidate = align_down(region.start - size, alignment);
      if (candidate >= start) best = candidate;
    }
    start = max(start, region.end);
  }
  if (end > start && end - start >= size) {
    const UserAddr candidate = align_down(end - size, alignment);
    if (candidate >= start) best = candidate;
  }
  return best;
}

UserAddr AddressSpace::find_hole(UserAddr from, UserAddr to, uint64_t size, uint64_t alignment) {
  Guard guard(lock_);
  return hole_locked(from, to, size, alignment);
}

UserAddr AddressSpace::choose_address(uint64_t size) {
  const uint64_t alignment = size >= large_page_size ? large_page_size : page_size;
  return hole_locked(port::user_start, end_ - room_at_end, size, alignment);
}

int AddressSpace::map_pages(const Region& region) {
  UserAddr at = region.start;
  const int error = for_region(region, 0, region.end - region.start, [&](PhysAddr base, uint64_t size) {
    const int failed = map_extent(at, base, size, region.protection);
    at += size;
    return failed;
  });
  return error != 0 || viewers_ == nullptr ? error : viewers_->show(region);
}

void AddressSpace::unmap_pages(UserAddr start, uint64_t size) {
  port::unmap(start, size);
  if (viewers_ != nullptr) viewers_->hide(start, size);
}

int AddressSpace::protect_pages(UserAddr start, uint64_t size, uint32_t protection) {
  const int error = port::protect(start, size, protection);
  return error != 0 || viewers_ == nullptr ? error : viewers_->protect(start, size, protection);
}

Sysret AddressSpace::map(const Request& request) {
  Guard guard(lock_);
  return map_locked(request);
}

Sysret AddressSpace::map_locked(const Request& request) {
  const uint64_t size = align_up(request.size, page_size);
  if (size == 0 || size < request.size) return request.size == 0 ? -EINVAL : -ENOMEM;
  UserAddr address = align_down(request.address, page_size);
  if (request.fixed) {
    if (address != request.address) return -EINVAL;
    if (!can_hold(address, size)) return address < port::user_start ? -EPERM : -ENOMEM;
    if (request.no_replace && hole_locked(address, address + size, size, page_size) != address) return -EEXIST;
    if (const int error = unmap_locked(address, address + size); error != 0) return error;
  } else if (address == 0 || !can_hold(address, size) ||
             hole_locked(address, address + size, size, page_size) != address) {
    address = choose_address(size);
    if (address == 0) return -ENOMEM;
  }

  if (size > limit_ - min(mapped_bytes_, limit_)) return -ENOMEM;
  const bool locked = request.locked || locks_future_;
  if (locked && !may_lock(size, request.lock_limit)) return -EAGAIN;
  Owned<Region> region(new (nothrow) Region);
  if (!region) return -ENOMEM;
  region->start = address;
  region->end = address + size;
  region->protection = request.protection;
  region->kind = request.kind;
  region->file_offset = request.file_offset;
  copy_string(region->name, request.name, sizeof(region->name));
  region->may_write = request.may_write;
  region->locked = locked;
  if (request.memory != nullptr) {
    __atomic_add_fetch(&request.memory->references, 1, __ATOMIC_RELAXED);  // the caller holds one
    region->shared = request.memory;
  } else if (!request.reserve_only) {
    if (page_allocator().allocate_extents(address, size, true, region->extents, region->extent_count) != 0)
      return -ENOMEM;
    if (request.shared) {
      region->shared = new (nothrow) SharedMemory;
      if (region->shared == nullptr) {
        insert(*region);
        free_region(*region.release());
        return -ENOMEM;
      }
      region->shared->size = size;
      region->shared->extents = region->extents;
      region->shared->extent_count = region->extent_count;
      region->extents = nullptr;
      region->extent_count = 0;
    }
  }
  insert(*region);
  Region& placed = *region.release();
  if (const int error = map_pages(placed); error != 0) {
    unmap_pages(placed.start, size);
    free_region(placed);
    return error;
  }
  if (!request.apart) (void)merge(placed);
  return static_cast<Sysret>(address);
}

int AddressSpace::split(Region& region, UserAddr at) {
  Owned<Region> upper(new (nothrow) Region);
  if (!upper) return -ENOMEM;
  const uint64_t offset = at - region.start;
  upper->start = at;
  upper->end = region.end;
  upper->protection = region.protection;
  upper->may_write = region.may_write;
  upper->locked = region.locked;
  upper->kind = region.kind;
  upper->borrowed = region.borrowed;
  upper->file_offset = region.file_offset + offset;
  memcpy(upper->name, region.name, sizeof(region.name));
  if (region.shared != nullptr) {
    __atomic_add_fetch(&region.shared->references, 1, __ATOMIC_RELAXED);  // we hold one already
    upper->shared = region.shared;
    upper->shared_offset = region.shared_offset + offset;
  } else if (region.extents != nullptr) {
    Extent* lower = nullptr;
    uint32_t lower_count = 0;
    if (cut_extents(region.extents, region.extent_count, 0, offset, lower, lower_count) != 0) return -ENOMEM;
    if (cut_extents(region.extents, region.extent_count, offset, region.end - at, upper->extents,
                    upper->extent_count) != 0) {
      release(lower);
      return -ENOMEM;
    }
    release(region.extents);
    region.extents = lower;
    region.extent_count = lower_count;
  }
  mapped_bytes_ -= region.end - at;
  region.end = at;
  insert(*upper.release());
  return 0;
}

int AddressSpace::split_range(UserAddr start, UserAddr end) {
  const UserAddr edges[] = {start, end};
  for (const UserAddr edge : edges) {
    Region* region = find(edge);
    if (region == nullptr || region->start == edge) continue;
    if (const int error = split(*region, edge); error != 0) return error;
  }
  return 0;
}

int AddressSpace::unmap_locked(UserAddr start, UserAddr end) {
  if (const int error = split_range(start, end); error != 0) return error;
  bool any = false;
  for (Region& region : regions_) {
    if (region.start < start) continue;
    if (region.start >= end) break;
    if (!any) unmap_pages(start, min(end, end_) - start);  // before the pages can be anyone else's
    any = true;
    free_region(region);
  }
  return 0;
}

Sysret AddressSpace::unmap(UserAddr address, uint64_t size) {
  if (address % page_size != 0 || size == 0) return -EINVAL;
  size = align_up(size, page_size);
  if (address >= port::user_end || size > port::user_end - address) return -EINVAL;
  Guard guard(lock_);
  return unmap_locked(address, address + size);
}

bool AddressSpace::is_covered(UserAddr start, UserAddr end) {
  for (Region& region : regions_)
    if (region.start <= start && start < region.end) start = region.end;
  return start >= end;
}

Sysret AddressSpace::protect(UserAddr address, uint64_t size, uint32_t protection) {
  if (address % page_size != 0) return -EINVAL;
  size = align_up(size, page_size);
  if (size == 0) return 0;
  if (address >= port::user_end || size > port::user_end - address) return -ENOMEM;
  Guard guard(lock_);
  const UserAddr end = address + size;
  if (!is_covered(address, end)) return -ENOMEM;
  if (const int error = split_range(address, end); error != 0) return error;
  for (UserAddr at = address; at < end;) {
    Region& region = *find(at);
    at = region.end;
    if ((protection & port::prot_write) != 0 && !region.may_write) return -EACCES;
    if (const int error = protect_region(region, protection); error != 0) return error;
    (void)merge(region);
  }
  return 0;
}

int AddressSpace::protect_region(Region& region, uint32_t protection) {
  const uint64_t size = region.end - region.start;
  const bool backed = region.extents != nullptr || region.shared != nullptr;
  if (backed) {
    if (const int error = protect_pages(region.start, size, protection); error != 0) return error;
    region.protection = protection;
  } else if (protection != port::prot_none) {
    // Reserved addresses come into use: now they get their memory.
    if (page_allocator().allocate_extents(region.start, size, true, region.extents, region.extent_count) != 0)
      return -ENOMEM;
    region.protection = protection;
    return map_pages(region);
  }
  return 0;
}

void AddressSpace::zero_locked(UserAddr start, UserAddr end) {
  for (Region& region : regions_) {
    if (region.end <= start) continue;
    if (region.start >= end) break;
    if (region.shared != nullptr || region.kind == RegionKind::file || region.kind == RegionKind::image) continue;
    const UserAddr from = max(start, region.start);
    (void)for_region(region, from - region.start, min(end, region.end) - from, [](PhysAddr base, uint64_t size) {
      memset(port::direct(base), 0, size);
      return 0;
    });
  }
}

Sysret AddressSpace::zero(UserAddr address, uint64_t size, UserAddr stack_pointer) {
  if (!is_user_range(address, size)) return -ENOMEM;
  UserAddr end = address + align_up(size, page_size);
  Guard guard(lock_);
  const Region* stack = find(stack_pointer);
  if (stack != nullptr && end > stack->start && end <= stack->start + unused_stack(stack_pointer - stack->start))
    end = stack->start;  // before it there may be the stack's guard
  if (address < end) zero_locked(address, end);
  return 0;
}

Sysret AddressSpace::start_heap(UserAddr start, const MemoryPlan& plan) {
  Guard guard(lock_);
  heap_start_ = heap_end_ = heap_mapped_ = align_up(start, large_page_size);
  heap_limit_ = plan.heap_size;
  large_pages_ = plan.large_pages;
  return plan.map_heap ? grow_heap(heap_start_ + heap_limit_) : 0;
}

/// Maps the heap up to `to` at least: its first 2 MiB in small steps, because most heaps are small and fork copies them,
/// the rest in large pages.
Sysret AddressSpace::grow_heap(UserAddr to) {
  const bool small = !large_pages_ && to - heap_start_ <= large_page_size;
  UserAddr end = small ? max(align_up(to, page_size), heap_mapped_ + heap_step) : align_up(to, large_page_size);
  const auto is_free = [&] {
    return hole_locked(heap_mapped_, end, end - heap_mapped_, page_size) == heap_mapped_;
  };
  if (!is_free()) end = align_up(to, page_size);
  if (!is_free()) return -ENOMEM;
  Request request{heap_mapped_, end - heap_mapped_, port::prot_read | port::prot_write, true};
  request.kind = RegionKind::heap;
  request.name = "[heap]";
  const Sysret mapped = map_locked(request);
  if (mapped < 0) return mapped;
  heap_mapped_ = end;
  return 0;
}

Sysret AddressSpace::set_break(UserAddr to, uint64_t lock_limit) {
  Guard guard(lock_);
  if (to > heap_end_ && locks_future_ && !may_lock(to - heap_end_, lock_limit)) return static_cast<Sysret>(heap_end_);
  if (to < heap_start_ || to - heap_start_ > heap_limit_) return static_cast<Sysret>(heap_end_);
  if (to > heap_mapped_) {
    if (grow_heap(to) < 0) return static_cast<Sysret>(heap_end_);
  } else if (const UserAddr keep = align_up(to, large_page_size); keep < heap_mapped_) {
    if (unmap_locked(keep, heap_mapped_) != 0) return static_cast<Sysret>(heap_end_);
    heap_mapped_ = keep;
  }
  if (to < heap_end_) {
    zero_locked(to, min(heap_end_, heap_mapped_));  // given back and taken again it must read as zero
  }
  heap_end_ = to;
  return static_cast<Sysret>(to);
}

int AddressSpace::map_all() {
  Guard guard(lock_);
  for (Region& region : regions_)
    if (const int error = map_pages(region); error != 0) return error;
  return 0;
}

void AddressSpace::clear(bool unmap_pages) {
  Guard guard(lock_);
  if (unmap_pages) port::unmap(port::user_start, port::user_end - port::user_start);
  while (Region* region = regions_.front()) free_region(*region);
  heap_start_ = heap_end_ = heap_mapped_ = 0;
  heap_limit_ = 0;
  locks_future_ = false;
}

SharedMemory* AddressSpace::hold_shared(UserAddr address, uint64_t& offset) {
  Guard guard(lock_);
  const Region* region = find(address);
  if (region == nullptr || region->shared == nullptr) return nullptr;
  __atomic_add_fetch(&region->shared->references, 1, __ATOMIC_RELAXED);  // the region holds one
  offset = region->shared_offset + (address - region->start);
  return region->shared;
}

bool AddressSpace::locate(UserAddr address, uint64_t size, uint32_t need, Extent& piece) {
  Guard guard(lock_);
  Region* region = find(address);
  if (region == nullptr || (region->protection & need) != need) return false;
  return for_region(*region, address - region->start, min(size, region->end - address),
                    [&](PhysAddr base, uint64_t length) {
                      piece = {base, length};
                      return 1;  // the first piece is enough
                    }) != 0;
}

void* AddressSpace::direct(UserAddr address, uint64_t size, uint32_t need, uint64_t& contiguous) {
  Extent piece;
  if (!locate(address, size, need, piece) || is_lent(piece.base)) return nullptr;
  contiguous = piece.size;
  return port::direct(piece.base);
}

bool AddressSpace::find_lent(UserAddr& address, uint64_t& size) {
  const UserAddr end = address + size;
  Guard guard(lock_);
  for (const Region& region : regions_) {
    if (region.end <= address) continue;
    if (region.start >= end) break;
    if (region.shared == nullptr || !is_lent(region.shared->extents[0].base)) continue;
    address = max(address, region.start);
    size = min(end, region.end) - address;
    return true;
  }
  return false;
}

}  // namespace hobbes::lwk
