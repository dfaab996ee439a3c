// SPDX-License-Identifier: Apache-2.0
// PageTables: one tree of the CPU's page tables. Everything is mapped by the largest pages that fit.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::x86 {

/// Page-table entries: Intel SDM vol. 3, 4.5.
enum EntryBits : uint64_t {
  page_present = 1 << 0, page_writable = 1 << 1, page_user = 1 << 2, page_write_through = 1 << 3,
  page_uncached = 1 << 4, page_accessed = 1 << 5, page_dirty = 1 << 6, page_large = 1 << 7, page_global = 1 << 8,
  page_held = 1 << 9,  ///< ours: memory is here, though nobody may reach it (PROT_NONE)
  page_no_execute = 1ull << 63,
};
inline constexpr uint64_t entry_address = 0x000ffffffffff000;
inline constexpr uint64_t giant_page_size = 1ull << 30;

class PageTables : Immovable {
 public:
  /// An empty lower half, and `kernel`'s upper half. 0 or -ENOMEM.
  [[nodiscard]] int create(const PageTables& kernel);
  /// A tree that is there already.
  void adopt(PhysAddr root) { root_ = root; }
  void destroy();
  [[nodiscard]] PhysAddr root() const { return root_; }

  /// What follows has one caller at a time. Each returns 0 or -ENOMEM, and sets `stale` if translations that were
  /// there have changed, so that CPUs may still have them; then release_tables() comes after they have forgotten
  /// them.
  [[nodiscard]] int map(uint64_t address, PhysAddr physical, uint64_t size, uint64_t bits);
  [[nodiscard]] int unmap(uint64_t address, uint64_t size);
  /// What is mapped gets these bits, memory that is held included.
  [[nodiscard]] int protect(uint64_t address, uint64_t size, uint64_t bits);
  [[nodiscard]] bool take_stale();
  void release_tables();

  /// The same translations in the lower half as `other`, in tables of its own. 0 or -ENOMEM.
  [[nodiscard]] int copy_lower_half(const PageTables& other);
  /// The entry that translates `address`; 0: there is none.
  [[nodiscard]] uint64_t find(uint64_t address) const;

 private:
  struct Change;
  [[nodiscard]] int apply(uint64_t* table, uint32_t level, uint64_t start, uint64_t end, const Change& change);
  void set(uint64_t& entry, uint64_t value, uint32_t level);
  void drop_table(uint64_t entry, uint32_t level);

  PhysAddr root_ = 0;
  PhysAddr dropped_ = 0;  ///< tables out of use, chained by their first words
  bool stale_ = false;
};

}  // namespace hobbes::lwk::x86
