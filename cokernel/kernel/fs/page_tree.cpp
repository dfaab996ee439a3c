// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/page_tree.hpp"

#include "cokernel/kernel/heap.hpp"

namespace hobbes::lwk::fs {
namespace {

void* zeroed_page() { return allocate_zeroed(page_size); }

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
    auto* inner = static_cast<Inner*>(zeroed_page());
    if (inner == nullptr) return false;
    inner->slots[0] = root_;
    root_ = inner;
  }
  ++height_;
  return true;
}

char* PageTree::make(uint64_t index) {
  while (!covers(index))
    if (!raise()) return nullptr;
  void** slot = &root_;
  for (uint32_t height = height_;; --height) {
    if (*slot == nullptr) {
      *slot = zeroed_page();
      if (*slot == nullptr) return nullptr;
      if (height == 0) ++pages_;
    }
    if (height == 0) return static_cast<char*>(*slot);
    slot = &static_cast<Inner*>(*slot)->slots[index >> ((height - 1) * fanout_shift) & (fanout - 1)];
  }
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
  release(slot);
  slot = nullptr;
  return true;
}

void PageTree::cut(uint64_t first) {
  if (cut(root_, height_, first)) height_ = 0;
}

}  // namespace hobbes::lwk::fs
