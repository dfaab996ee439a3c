// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/page_allocator.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {
namespace {

PageAllocator the_page_allocator;

constexpr uint64_t largest_block = uint64_t{UINT32_MAX} << page_shift;  // its pages have 32-bit numbers

uint32_t floor_log2(uint64_t value) { return 63u - static_cast<uint32_t>(__builtin_clzll(value)); }
uint32_t ceil_log2(uint64_t value) { return value <= 1 ? 0 : floor_log2(value - 1) + 1; }

/// Zeroes whole pages past the caches, which keep what programs work on.
void stream_zeros(void* memory, uint64_t size) {
  auto* at = static_cast<uint64_t*>(memory);
  for (uint64_t* const end = at + size / sizeof(*at); at != end; ++at) asm volatile("movnti %1, %0" : "=m"(*at) : "r"(0ul));
  asm volatile("sfence" : : : "memory");  // before anybody is given them
}

/// For memory that is used at once: in the caches, if it fits there.
void zero_memory(void* memory, uint64_t size) {
  constexpr uint64_t cached = 1 << 20;
  if (size <= cached) memset(memory, 0, size);
  else stream_zeros(memory, size);
}

}  // namespace

PageAllocator& page_allocator() { return the_page_allocator; }

int PageAllocator::refusal_of(PhysAddr base, uint64_t size) const {
  if (size == 0 || base % large_page_size != 0 || size % large_page_size != 0) return -EINVAL;
  if (base + size < base || size > largest_block) return -EINVAL;
  for (uint32_t i = 0; i < block_count_; ++i)
    if (base < blocks_[i].base + (blocks_[i].pages << page_shift) && blocks_[i].base < base + size) return -EEXIST;
  return block_count_ == max_blocks ? -ENOSPC : 0;
}

int PageAllocator::check_block(PhysAddr base, uint64_t size) {
  Guard guard(lock_);
  return refusal_of(base, size);
}

int PageAllocator::add_block(PhysAddr base, uint64_t size, uint64_t reserved) {
  Guard guard(lock_);
  if (const int refusal = refusal_of(base, size); refusal != 0) return refusal;
  const uint64_t pages = size >> page_shift;
  const uint64_t table_start = align_up(reserved, page_size);
  const uint64_t first_free = pages_of(table_start + pages * sizeof(Page));
  if (first_free >= pages) return -EINVAL;
  Block& block = blocks_[block_count_++];
  block = Block{base, pages, 0, pages - first_free, 0, static_cast<Page*>(port::direct(base + table_start)), {}};
  free_range(block, first_free, pages, head_zero);
  return 0;
}

int PageAllocator::remove_block(PhysAddr base) {
  Guard zeroing(zeroing_);
  Guard guard(lock_);
  for (uint32_t i = 0; i < block_count_; ++i) {
    if (blocks_[i].base != base) continue;
    if (i == 0 || blocks_[i].free_pages != blocks_[i].usable) return -EBUSY;
    count_dirty(blocks_[i], -static_cast<int32_t>(blocks_[i].dirty));
    blocks_[i] = blocks_[--block_count_];
    return 0;
  }
  return -ENOENT;
}

PageAllocator::Block* PageAllocator::block_of(PhysAddr address) {
  for (uint32_t i = 0; i < block_count_; ++i)
    if (address - blocks_[i].base < blocks_[i].pages << page_shift) return &blocks_[i];
  return nullptr;
}

void PageAllocator::count_dirty(Block& block, int32_t change) {
  block.dirty += static_cast<uint32_t>(change);
  // relaxed: written under lock_ alone, and a hint to those who read it without.
  __atomic_store_n(&dirty_, dirty_ + static_cast<uint32_t>(change), __ATOMIC_RELAXED);
}

void PageAllocator::push(Block& block, uint32_t page, uint32_t order, uint8_t state) {
  Page& entry = block.table[page];
  uint32_t& head = block.head(state, order);
  entry.next = head;
  entry.previous = 0;
  entry.order = static_cast<uint8_t>(order);
  entry.state = state;
  if (entry.next != 0) block.table[entry.next - 1].previous = page + 1;
  head = page + 1;
  if (state == head_dirty) count_dirty(block, 1);
}

void PageAllocator::remove(Block& block, uint32_t page) {
  Page& entry = block.table[page];
  if (entry.previous != 0) block.table[entry.previous - 1].next = entry.next;
  else block.head(entry.state, entry.order) = entry.next;
  if (entry.next != 0) block.table[entry.next - 1].previous = entry.previous;
  if (entry.state == head_dirty) count_dirty(block, -1);
  entry.state = 0;
}

void PageAllocator::free_chunk(Block& block, uint32_t page, uint32_t order, uint8_t state) {
  block.free_pages += 1ull << order;
  while (order < max_order) {
    const uint32_t buddy = page ^ (1u << order);
    if (buddy + (1ull << order) > block.pages) break;
    const Page& other = block.table[buddy];
    // Zero and dirty chunks stay apart until idle time has made them alike: else zeroing would never come to an end.
    if (other.state != state || other.order != order) break;
    remove(block, buddy);
    page &= ~(1u << order);
    ++order;
  }
  push(block, page, order, state);
}

void PageAllocator::free_range(Block& block, uint64_t first, uint64_t end, uint8_t state) {
  while (first < end) {
    const uint32_t aligned = first == 0 ? max_order : static_cast<uint32_t>(__builtin_ctzll(first));
    const uint32_t order = min(min(aligned, floor_log2(end - first)), max_order);
    free_chunk(block, static_cast<uint32_t>(first), order, state);
    first += 1ull << order;
  }
}

/// From a chunk of that state; 0: the block has none.
PhysAddr PageAllocator::take(Block& block, uint32_t order, uint8_t state) {
  for (uint32_t have = order; have <= max_order; ++have) {
    if (block.head(state, have) == 0) continue;
    const uint32_t page = block.head(state, have) - 1;
    remove(block, page);
    block.free_pages -= 1ull << order;
    while (have > order) {
      --have;
      push(block, page + (1u << have), have, state);
    }
    return block.base + (static_cast<uint64_t>(page) << page_shift);
  }
  return 0;
}

PhysAddr PageAllocator::allocate_as_is(uint32_t order, bool prefer_zero, bool& zero) {
  constexpr bool both[] = {true, false};
  if (order > max_order) return 0;
  do {
    Guard guard(lock_);
    // The first block that has something: the later ones are to be free, so that they can go.
    for (uint32_t i = 0; i < block_count_; ++i) {
      for (const bool preferred : both) {
        zero = preferred == prefer_zero;
        if (const PhysAddr base = take(blocks_[i], order, zero ? head_zero : head_dirty); base != 0) return base;
      }
    }
  } while (order > 0 && zero_some());  // zeroing lets chunks merge
  return 0;
}

PhysAddr PageAllocator::allocate(uint32_t order, bool zeroed, bool* was_zero) {
  bool zero = false;
  const PhysAddr base = allocate_as_is(order, zeroed, zero);
  if (base != 0 && zeroed && !zero) zero_memory(port::direct(base), page_size << order);
  if (was_zero != nullptr) *was_zero = zero;
  return base;
}

int PageAllocator::allocate_extents(UserAddr address, uint64_t size, bool zeroed, Extent*& extents, uint32_t& count) {
  constexpr uint32_t most = 4096;
  if (is_low(pages_of(size))) return -ENOMEM;
  Buffer scratch(most * sizeof(Extent));
  if (!scratch) return -ENOMEM;
  auto* found = reinterpret_cast<Extent*>(scratch.data());
  uint32_t pieces = 0;
  uint64_t left = pages_of(size);
  // What lies before the first boundary of a large page is got by itself.
  uint64_t head = pages_of(align_up(address, large_page_size) - address);
  if (left < head + (large_page_size >> page_shift)) head = 0;
  uint32_t largest = max_order;
  while (left > 0) {
    // One chunk that covers all that is wanted (its tail goes back), else the largest there is.
    const uint64_t wanted = head > 0 ? head : left;
    const uint32_t order = min(largest, ceil_log2(wanted));
    bool zero = false;
    const PhysAddr base = pieces < most ? allocate_as_is(order, zeroed, zero) : 0;
    if (base == 0) {
      if (order > 0 && pieces < most) {
        largest = order - 1;
        continue;
      }
      for (uint32_t i = 0; i < pieces; ++i) free(found[i].base, found[i].size);
      return -ENOMEM;
    }
    const uint64_t pages = min(wanted, uint64_t{1} << order);
    if (pages < 1ull << order) give_back(base + (pages << page_shift), (1ull << order) - pages, zero);
    if (zeroed && !zero) zero_memory(port::direct(base), pages << page_shift);
    found[pieces++] = {base, pages << page_shift};
    left -= pages;
    head -= min(head, pages);
  }
  extents = static_cast<Extent*>(lwk::allocate(pieces * sizeof(Extent)));
  if (extents == nullptr) {
    for (uint32_t i = 0; i < pieces; ++i) free(found[i].base, found[i].size);
    return -ENOMEM;
  }
  memcpy(extents, found, pieces * sizeof(Extent));
  count = pieces;
  return 0;
}

void PageAllocator::free(PhysAddr base, uint64_t size) {
  if (size > 0) give_back(base, pages_of(size), false);
}

void PageAllocator::give_back(PhysAddr base, uint64_t pages, bool zero) {
  Guard guard(lock_);
  Block* block = block_of(base);
  if (block == nullptr) return;
  const uint64_t first = (base - block->base) >> page_shift;
  const uint8_t state = zero ? head_zero : head_dirty;
  if (held_pages_ == 0) free_range(*block, first, first + pages, state);
  else free_unheld(*block, first, first + pages, state);
}

/// What is held is noted; the runs of pages between go back.
void PageAllocator::free_unheld(Block& block, uint64_t first, uint64_t end, uint8_t state) {
  for (uint64_t at = first; at < end;) {
    uint64_t run = at;
    while (run < end && block.table[run].held == 0) ++run;
    if (run > at) free_range(block, at, run, state);
    for (; run < end && block.table[run].held != 0; ++run) block.table[run].held = held_freed;
    at = run;
  }
}

void PageAllocator::hold(PhysAddr base, uint64_t size) {
  Guard guard(lock_);
  Block* block = block_of(base);
  if (block == nullptr) return;
  const uint64_t first = (base - block->base) >> page_shift;
  for (uint64_t at = first; at < first + pages_of(size); ++at) {
    Page& page = block->table[at];
    if (page.held == 0) {
      page.held = held_in_use;
      page.next = 0;
      ++held_pages_;
    }
    ++page.next;
  }
}

void PageAllocator::let_go(PhysAddr base, uint64_t size) {
  Guard guard(lock_);
  Block* block = block_of(base);
  if (block == nullptr) return;
  const uint64_t end = ((base - block->base) >> page_shift) + pages_of(size);
  uint64_t freed = end - pages_of(size);  // from here on to `at`: pages to give back
  for (uint64_t at = freed; at <= end; ++at) {
    bool gives_back = false;
    if (at < end && --block->table[at].next == 0) {
      gives_back = block->table[at].held == held_freed;
      block->table[at].held = 0;
      --held_pages_;
    }
    if (gives_back) continue;
    if (freed < at) free_range(*block, freed, at, head_dirty);
    freed = at + 1;
  }
}

/// A dirty chunk, a part of the largest there are; 0: there is none.
PhysAddr PageAllocator::take_dirty(uint32_t& order) {
  constexpr uint32_t most = 6;  // 256 KiB a time, so that nobody waits long
  Guard guard(lock_);
  for (uint32_t i = 0; i < block_count_; ++i) {
    Block& block = blocks_[i];
    for (uint32_t have = max_order + 1; have > 0; --have) {
      if (block.head(head_dirty, have - 1) == 0) continue;
      const uint32_t page = block.head(head_dirty, have - 1) - 1;
      order = have - 1;
      remove(block, page);
      while (order > most) {
        --order;
        push(block, page + (1u << order), order, head_dirty);
      }
      block.free_pages -= 1ull << order;
      return block.base + (static_cast<uint64_t>(page) << page_shift);
    }
  }
  return 0;
}

bool PageAllocator::zero_some() {
  Guard zeroing(zeroing_);
  uint32_t order = 0;
  const PhysAddr base = take_dirty(order);
  if (base == 0) return false;
  stream_zeros(port::direct(base), page_size << order);
  give_back(base, 1ull << order, true);
  return true;
}

uint8_t& PageAllocator::tag(PhysAddr page) {
  // Unlocked: the page is allocated, so its block stays, and the byte is its owner's.
  Block* block = block_of(page);
  return block->table[(page - block->base) >> page_shift].tag;
}

bool PageAllocator::is_low(uint64_t after_pages) {
  constexpr uint64_t kept = (1 << 20) >> page_shift;
  return free_pages() < after_pages + kept;
}

bool PageAllocator::block_at(uint32_t index, Extent& block, bool& in_use) {
  Guard guard(lock_);
  if (index >= block_count_) return false;
  const Block& found = blocks_[index];
  block = {found.base, found.pages << page_shift};
  in_use = found.free_pages != found.usable;
  return true;
}

uint64_t PageAllocator::total_pages() {
  Guard guard(lock_);
  uint64_t total = 0;
  for (uint32_t i = 0; i < block_count_; ++i) total += blocks_[i].usable;
  return total;
}

uint64_t PageAllocator::free_pages() {
  Guard guard(lock_);
  uint64_t total = 0;
  for (uint32_t i = 0; i < block_count_; ++i) total += blocks_[i].free_pages;
  return total;
}

}  // namespace hobbes::lwk
