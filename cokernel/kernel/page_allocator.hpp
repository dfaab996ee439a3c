// SPDX-License-Identifier: Apache-2.0
// PageAllocator: the enclave's physical memory in blocks, each a binary buddy system (Knowlton, CACM 8(10), 1965).
//
// A block's bookkeeping lies at its own start. It relies on fresh blocks being zero, so that a boot touches only what it
// uses: an all-zero Page is one that heads no free chunk. Chunks remember whether they are still zero.
#pragma once

#include "cokernel/kernel/address_space.hpp"
#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

class PageAllocator : Immovable {
 public:
  static constexpr uint32_t max_order = 15;  ///< 128 MiB
  static constexpr uint32_t max_blocks = HOBBES_BOOT_MAX_REGIONS;

  /// What add_block() will say before it touches the memory: 0, -EEXIST (overlaps), -ENOSPC (too many blocks), -EINVAL.
  [[nodiscard]] int check_block(PhysAddr base, uint64_t size);
  /// Takes over [base, base + size), of which the first `reserved` bytes are in use already. The memory is zero. 0,
  /// or as check_block().
  [[nodiscard]] int add_block(PhysAddr base, uint64_t size, uint64_t reserved);
  /// Gives a block up: 0, -ENOENT, -EBUSY (part of it is in use).
  [[nodiscard]] int remove_block(PhysAddr base);

  /// A naturally aligned chunk of 2^order pages, if possible one that need not be zeroed for it; 0: none. `was_zero`:
  /// whether it was before `zeroed` made it so.
  [[nodiscard]] PhysAddr allocate(uint32_t order, bool zeroed, bool* was_zero = nullptr);
  /// `size` bytes (whole pages) to be mapped at `address`, in as few pieces as possible; what fills 2 MiB there is 2 MiB
  /// aligned, so that one large page maps it, unless memory is in smaller pieces. `extents` is from the kernel heap and
  /// the caller's. 0 or -ENOMEM.
  [[nodiscard]] int allocate_extents(UserAddr address, uint64_t size, bool zeroed, Extent*& extents, uint32_t& count);
  /// Any page range that was allocated, whole chunks or not.
  void free(PhysAddr base, uint64_t size);

  /// Pages that are in use stay out of use, whoever frees them, until let_go() was called as often. What is not of the
  /// enclave's own blocks is left alone.
  void hold(PhysAddr base, uint64_t size);
  void let_go(PhysAddr base, uint64_t size);

  /// Zeroes one free chunk that is not, so that allocations need not. False: all are.
  [[nodiscard]] bool zero_some();
  /// Whether there is such a chunk. A hint: it may have changed.
  [[nodiscard]] bool has_dirty() const { return __atomic_load_n(&dirty_, __ATOMIC_RELAXED) != 0; }

  /// One byte of bookkeeping for the heap, a page; its owner sets it after allocate().
  [[nodiscard]] uint8_t& tag(PhysAddr page);

  /// Whether only what is kept for the kernel is left: who gives memory back needs some for it.
  [[nodiscard]] bool is_low(uint64_t after_pages = 0);
  /// The blocks, in no order: false behind the last. `in_use`: something of it is.
  [[nodiscard]] bool block_at(uint32_t index, Extent& block, bool& in_use);

  [[nodiscard]] uint64_t total_pages();
  [[nodiscard]] uint64_t free_pages();

 private:
  struct Page {
    uint32_t next, previous;  // index + 1 within the block; 0: none. `next` of a held page: how often
    uint8_t order;
    uint8_t state;  // 0: no free chunk starts here
    uint8_t tag;
    uint8_t held;   // 0, or one of these
  };
  static constexpr uint8_t held_in_use = 1, held_freed = 2;
  static constexpr uint8_t head_dirty = 1, head_zero = 2;
  static constexpr uint32_t head_states = 2;
  struct Block {
    PhysAddr base;
    uint64_t pages;       // all of the block
    uint64_t free_pages;
    uint64_t usable;      // free_pages when nothing is in use
    uint32_t dirty;       // chunks that are free and not zero
    Page* table;
    uint32_t heads[head_states][max_order + 1];

    [[nodiscard]] uint32_t& head(uint8_t state, uint32_t order) { return heads[state - head_dirty][order]; }
  };

  [[nodiscard]] int refusal_of(PhysAddr base, uint64_t size) const;
  [[nodiscard]] Block* block_of(PhysAddr address);
  void push(Block& block, uint32_t page, uint32_t order, uint8_t state);
  void remove(Block& block, uint32_t page);
  void count_dirty(Block& block, int32_t change);
  void free_chunk(Block& block, uint32_t page, uint32_t order, uint8_t state);
  void give_back(PhysAddr base, uint64_t pages, bool zero);
  void free_range(Block& block, uint64_t first, uint64_t end, uint8_t state);
  void free_unheld(Block& block, uint64_t first, uint64_t end, uint8_t state);
  [[nodiscard]] PhysAddr allocate_as_is(uint32_t order, bool prefer_zero, bool& zero);
  [[nodiscard]] PhysAddr take(Block& block, uint32_t order, uint8_t state);
  [[nodiscard]] PhysAddr take_dirty(uint32_t& order);

  Mutex zeroing_;  // held while a chunk is neither free nor allocated because it is being zeroed; before lock_
  Mutex lock_;     // guards the rest
  uint32_t block_count_ = 0;
  uint32_t dirty_ = 0;  // in all blocks
  uint64_t held_pages_ = 0;
  Block blocks_[max_blocks];
};

[[nodiscard]] PageAllocator& page_allocator();

}  // namespace hobbes::lwk
