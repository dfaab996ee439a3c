// SPDX-License-Identifier: Apache-2.0
// An entry is empty (0), a leaf (maps memory, or holds it without mapping it), or names a table of the next level.
// Levels are numbered as the distance from the memory: 1 maps 4 KiB pages, 2 and 3 may map 2 MiB and 1 GiB at once, 4
// is the root.
#include "cokernel/arch/x86_64/page_tables.hpp"

#include "cokernel/arch/x86_64/features.hpp"
#include "cokernel/arch/x86_64/kernel_space.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::x86 {
namespace {

constexpr uint32_t entries = 512, root_level = 4;
constexpr uint64_t table_bits = page_present | page_writable | page_user | page_accessed;

constexpr uint64_t span_of(uint32_t level) { return page_size << 9 * (level - 1); }
constexpr uint32_t index_of(uint64_t address, uint32_t level) {
  return static_cast<uint32_t>(address / span_of(level)) % entries;
}
bool is_leaf(uint64_t entry, uint32_t level) { return entry != 0 && (level == 1 || (entry & page_large) != 0); }
bool is_table(uint64_t entry, uint32_t level) { return entry != 0 && !is_leaf(entry, level); }
bool may_be_leaf(uint32_t level) { return level <= 2 || (level == 3 && features.large_gigabyte); }
/// Where a leaf's memory begins. (Bit 12 of a large one is PAT's, which nobody sets.)
PhysAddr memory_of(uint64_t entry) { return entry & entry_address; }

uint64_t leaf(PhysAddr memory, uint64_t bits, uint32_t level) { return memory | bits | if_has(level > 1, page_large); }

/// A leaf becomes a table of smaller ones. 0 or -ENOMEM.
int split(uint64_t& entry, uint32_t level) {
  const PhysAddr made = allocate_table();
  if (made == 0) return -ENOMEM;
  uint64_t* const table = table_at(made);
  const uint64_t bits = entry & ~(entry_address | page_large);
  for (uint32_t i = 0; i < entries; ++i)
    table[i] = leaf(memory_of(entry) + i * span_of(level - 1), bits, level - 1);
  entry = made | table_bits;
  return 0;
}

int copy_table(uint64_t* to, const uint64_t* from, uint32_t level, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (!is_table(from[i], level)) {
      to[i] = from[i];
      continue;
    }
    const PhysAddr made = allocate_table();
    if (made == 0) return -ENOMEM;
    to[i] = made | table_bits;
    if (const int error = copy_table(table_at(made), table_at(memory_of(from[i])), level - 1, entries); error != 0)
      return error;
  }
  return 0;
}

void free_tables_below(uint64_t* table, uint32_t level, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (!is_table(table[i], level)) continue;
    free_tables_below(table_at(memory_of(table[i])), level - 1, entries);
    free_table(memory_of(table[i]));
  }
}

}  // namespace

/// What is done to a range of addresses.
struct PageTables::Change {
  enum What { map, unmap, protect } what;
  uint64_t address = 0;   ///< where the range begins
  PhysAddr physical = 0;  ///< map
  uint64_t bits = 0;

  [[nodiscard]] PhysAddr memory_at(uint64_t at) const { return physical + (at - address); }
};

int PageTables::create(const PageTables& kernel) {
  root_ = allocate_table();
  if (root_ == 0) return -ENOMEM;
  constexpr uint32_t half = entries / 2;
  memcpy(table_at(root_) + half, table_at(kernel.root_) + half, half * sizeof(uint64_t));
  return 0;
}

void PageTables::destroy() {
  if (root_ == 0) return;
  release_tables();
  free_tables_below(table_at(root_), root_level, entries / 2);
  free_table(root_);
  root_ = 0;
}

int PageTables::map(uint64_t address, PhysAddr physical, uint64_t size, uint64_t bits) {
  return apply(table_at(root_), root_level, address, address + size - 1, {Change::map, address, physical, bits});
}

int PageTables::unmap(uint64_t address, uint64_t size) {
  return apply(table_at(root_), root_level, address, address + size - 1, {Change::unmap, address, 0, 0});
}

int PageTables::protect(uint64_t address, uint64_t size, uint64_t bits) {
  return apply(table_at(root_), root_level, address, address + size - 1, {Change::protect, address, 0, bits});
}

/// [start, last] lies in what `table` spans. `last` is inclusive, so that the range may end with the address space.
int PageTables::apply(uint64_t* table, uint32_t level, uint64_t start, uint64_t last, const Change& change) {
  const uint64_t span = span_of(level);
  for (uint64_t at = start;;) {
    const uint64_t end = min(at | (span - 1), last);  // inclusive
    uint64_t& entry = table[index_of(at, level)];
    // Root entries stay: the kernel's are those of every address space.
    const bool whole = level < root_level && at % span == 0 && end - at == span - 1;
    const bool fits = change.what != Change::map || (may_be_leaf(level) && change.memory_at(at) % span == 0);
    if (change.what != Change::map && entry == 0) {
      // nothing there
    } else if (whole && fits && (change.what != Change::protect || is_leaf(entry, level))) {
      switch (change.what) {
        case Change::map: set(entry, leaf(change.memory_at(at), change.bits, level), level); break;
        case Change::unmap: set(entry, 0, level); break;
        case Change::protect: set(entry, leaf(memory_of(entry), change.bits, level), level); break;
      }
    } else {
      if (entry == 0) {
        const PhysAddr made = allocate_table();
        if (made == 0) return -ENOMEM;
        entry = made | table_bits;
      } else if (is_leaf(entry, level)) {
        stale_ |= (entry & page_present) != 0;
        if (const int error = split(entry, level); error != 0) return error;
      }
      if (const int error = apply(table_at(memory_of(entry)), level - 1, at, end, change); error != 0) return error;
    }
    if (end == last) return 0;
    at = end + 1;
  }
}

void PageTables::set(uint64_t& entry, uint64_t value, uint32_t level) {
  const uint64_t old = entry;
  // One store: the CPUs walk the tables meanwhile.
  __atomic_store_n(&entry, value, __ATOMIC_RELEASE);
  if ((old & page_present) != 0) stale_ = true;
  if (is_table(old, level)) drop_table(old, level);
}

void PageTables::drop_table(uint64_t entry, uint32_t level) {
  uint64_t* const table = table_at(memory_of(entry));
  for (uint32_t i = 0; i < entries; ++i)
    if (is_table(table[i], level - 1)) drop_table(table[i], level - 1);
  // A CPU that still walks it finds nothing in it, or, through the first entry, a table that is none: until it is
  // told to forget, it may only follow what it has cached. So the chain uses an entry that looks empty to it.
  memset(table, 0, page_size);
  table[0] = dropped_;  // an address alone: not present
  dropped_ = memory_of(entry);
}

bool PageTables::take_stale() {
  const bool was = stale_;
  stale_ = false;
  return was;
}

void PageTables::release_tables() {
  while (dropped_ != 0) {
    const PhysAddr table = dropped_;
    dropped_ = table_at(table)[0];
    free_table(table);
  }
}

int PageTables::copy_lower_half(const PageTables& other) {
  return copy_table(table_at(root_), table_at(other.root_), root_level, entries / 2);
}

uint64_t PageTables::find(uint64_t address) const {
  const uint64_t* table = table_at(root_);
  for (uint32_t level = root_level;; --level) {
    const uint64_t entry = __atomic_load_n(&table[index_of(address, level)], __ATOMIC_ACQUIRE);
    if (!is_table(entry, level)) return entry;
    table = table_at(memory_of(entry));
  }
}

}  // namespace hobbes::lwk::x86
