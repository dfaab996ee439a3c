// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/page_tree.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/page_allocator.hpp"

namespace hobbes::lwk::fs {
namespace {

void free_page(void* page) { page_allocator().free(port::physical(page), page_size); }

}  // namespace

char* PageTree::find(uint64_t index) const {
  if (!covers(index)) return nullptr;
  void* at = root_;
  for (uint32_t height = height_; height > 0 && at != nullptr; --height)
    at = static_cast<Inner*>(at)->slots[index >> ((height - 1) * fanout_shift) & (fanout - 1)];
  return static_cast<char*>(at);
}

bool PageTree::raise() {
  if (root_ != nullptr) {
    auto* inner = static_cast<Inner*>(allocate_zeroed(sizeof(Inner)));
    if (inner == nullptr) return false;
    inner->slots[0] = root_;
    root_ = inner;
  }
  ++height_;
  return true;
}

/// Where the pointer to the page is, or is to be; null: out of memory.
void** PageTree::slot_of(uint64_t index) {
  while (!covers(index))
    if (!raise()) return nullptr;
  void** slot = &root_;
  for (uint32_t height = height_; height > 0; --height) {
    if (*slot == nullptr) *slot = allocate_zeroed(sizeof(Inner));
    if (*slot == nullptr) return nullptr;
    slot = &static_cast<Inner*>(*slot)->slots[index >> ((height - 1) * fanout_shift) & (fanout - 1)];
  }
  return slot;
}

char* PageTree::make(uint64_t index) {
  void** slot = slot_of(index);
  if (slot == nullptr) return nullptr;
  if (*slot == nullptr) {
    const PhysAddr page = page_allocator().allocate(0, true);
    if (page == 0) return nullptr;
    *slot = port::direct(page);
    ++pages_;
  }
  return static_cast<char*>(*slot);
}

bool PageTree::fill_hole(uint64_t first, uint64_t end) {
  Extent* extents = nullptr;
  uint32_t count = 0;
  const uint64_t size = (end - first) << page_shift;
  if (page_allocator().allocate_extents(first << page_shift, size, true, extents, count) != 0) return false;
  bool filled = true;
  const int taken = for_pieces(extents, count, 0, size, [&](PhysAddr base, uint64_t length) {
    for (uint64_t done = 0; done < length; done += page_size, ++first) {
      void** slot = filled ? slot_of(first) : nullptr;
      filled = slot != nullptr;
      if (filled) *slot = port::direct(base + done);
      else page_allocator().free(base + done, page_size);
      pages_ += filled ? 1 : 0;
    }
    return 0;
  });
  release(extents);
  return filled && taken == 0;
}

bool PageTree::fill(uint64_t first, uint64_t end) {
  if (end > first && end - first > pages_ + page_allocator().free_pages()) return false;  // before it takes forever
  while (first < end) {
    uint64_t hole_end = first;
    while (hole_end < end && find(hole_end) == nullptr) ++hole_end;
    if (hole_end > first && !fill_hole(first, hole_end)) return false;
    first = hole_end + 1;
  }
  return true;
}

void PageTree::remove(uint64_t index) {
  if (find(index) == nullptr) return;
  void** slot = slot_of(index);
  free_page(*slot);
  *slot = nullptr;
  --pages_;
}

/// True: nothing is left below the slot.
bool PageTree::cut(void*& slot, uint32_t height, uint64_t first) {
  if (slot == nullptr) return true;
  bool empty = true;
  if (height == 0) {
    empty = first == 0;
    if (empty) --pages_;
  } else {
    const uint32_t shift = (height - 1) * fanout_shift;
    for (uint64_t i = 0; i < fanout; ++i) {
      const uint64_t start = i << shift;
      const uint64_t below = first > start ? first - start : 0;
      if (below >= 1ull << shift) {
        if (static_cast<Inner*>(slot)->slots[i] != nullptr) empty = false;
      } else if (!cut(static_cast<Inner*>(slot)->slots[i], height - 1, below)) {
        empty = false;
      }
    }
  }
  if (!empty) return false;
  if (height == 0) free_page(slot);
  else release(slot);
  slot = nullptr;
  return true;
}

void PageTree::cut(uint64_t first) {
  if (cut(root_, height_, first)) height_ = 0;
}

}  // namespace hobbes::lwk::fs
