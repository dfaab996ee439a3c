// SPDX-License-Identifier: Apache-2.0
// PageTree: the pages of a file in memory, by index: a radix tree as high as the largest index needs. Not locked. The
// pages are whole ones of the page allocator's, which processes can map.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::fs {

class PageTree : Immovable {
 public:
  ~PageTree() { cut(0); }
  /// Null: a hole.
  [[nodiscard]] char* find(uint64_t index) const;
  /// The page, made and zeroed if it was a hole; null: out of memory.
  [[nodiscard]] char* make(uint64_t index);
  /// Makes all holes in [first, end) pages, in as few pieces of memory as possible. False: out of memory.
  [[nodiscard]] bool fill(uint64_t first, uint64_t end);
  /// Makes the page a hole.
  void remove(uint64_t index);
  /// Frees all pages from `first` on.
  void cut(uint64_t first);
  [[nodiscard]] uint64_t pages() const { return pages_; }

 private:
  static constexpr uint32_t fanout_shift = 9;
  static constexpr uint64_t fanout = 1ull << fanout_shift;
  struct Inner {
    void* slots[fanout];
  };
  [[nodiscard]] bool covers(uint64_t index) const { return height_ >= 6 || index >> (height_ * fanout_shift) == 0; }
  [[nodiscard]] bool raise();
  [[nodiscard]] void** slot_of(uint64_t index);
  [[nodiscard]] bool fill_hole(uint64_t first, uint64_t end);
  [[nodiscard]] bool cut(void*& slot, uint32_t height, uint64_t first);

  void* root_ = nullptr;  ///< height 0: a page; else an Inner
  uint32_t height_ = 0;
  uint64_t pages_ = 0;
};

}  // namespace hobbes::lwk::fs
