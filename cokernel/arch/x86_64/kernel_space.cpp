// SPDX-License-Identifier: Apache-2.0
// The root's entries for all of the direct map are there from the start, so that memory which comes later appears in
// every address space at once.
#include "cokernel/arch/x86_64/kernel_space.hpp"

#include "cokernel/arch/x86_64/cpu.hpp"
#include "cokernel/arch/x86_64/entry.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/arch/x86_64/tlb.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/print.hpp"
#include "kernel-bridge/abi/x86_64.h"

namespace hobbes::lwk::x86 {
namespace {

constexpr uint32_t entries = 512;
constexpr uint64_t root_span = page_size << 27;  // 512 GiB
constexpr uint32_t direct_roots = HOBBES_X86_DIRECT_SIZE / root_span;
constexpr uint32_t start_tables = 96;
constexpr uint64_t device_base = 0xffffffffc0000000;
constexpr uint64_t windows_base = 0xffffc00000000000;  // a window for each PCI device, one root entry for all
constexpr uint64_t window_size = root_span / HOBBES_X86_MAX_DEVICES;
constexpr uint64_t uncached = page_write_through | page_uncached;
constexpr uint64_t kernel_bits = page_present | page_accessed | page_dirty | page_global;
constexpr uint64_t link_bits = page_present | page_writable | page_accessed;

struct alignas(page_size) Table {
  uint64_t entry[entries];
};

Table root;
Table direct_tables[direct_roots];
Table windows_table;
uint64_t windows_used[HOBBES_X86_MAX_DEVICES];  // bytes, from each window's start
Table spare_tables[start_tables];
uint32_t spare_used = 0;
bool allocator_serves = false;
uint64_t devices = 0;
PageTables tables;
Mutex changes;  // of the direct map

constexpr uint64_t window_at(uint32_t place) { return windows_base + place * window_size; }

uint64_t no_execute() { return if_has(features.nx, page_no_execute); }

bool in_image(PhysAddr address) { return address - boot_params().kernel_base < boot_params().kernel_size; }
PhysAddr image_physical(const void* pointer) {
  return reinterpret_cast<uint64_t>(pointer) - HOBBES_X86_KERNEL_BASE + boot_params().kernel_base;
}

void must(int error) {
  if (error != 0) panic("the kernel's page tables do not fit: its memory is in too many pieces");
}

void map_image() {
  const auto map = [](const char* from, const char* to, uint64_t bits) {
    const auto start = align_down(reinterpret_cast<uint64_t>(from), page_size);
    const auto end = align_up(reinterpret_cast<uint64_t>(to), page_size);
    must(tables.map(start, image_physical(from) - reinterpret_cast<uint64_t>(from) % page_size, end - start,
                    kernel_bits | bits));
  };
  map(x86_image, x86_data, no_execute());
  map(x86_image, x86_text_end, 0);
  map(x86_data, x86_image_end, page_writable | no_execute());
}

void map_boot_memory() {
  const hobbes_boot_params& boot = boot_params();
  for (uint32_t i = 0; i < boot.region_count && i < HOBBES_BOOT_MAX_REGIONS; ++i)
    if (map_direct(boot.regions[i].base, boot.regions[i].size) != 0)
      panic("memory region %x cannot be mapped: out of reach, or memory is in too many pieces", boot.regions[i].base);
  // The same rights to code and constants as by their own addresses.
  must(tables.protect(HOBBES_X86_DIRECT_MAP + boot.kernel_base, boot.kernel_text, kernel_bits | no_execute()));
}

}  // namespace

void start_kernel_space() {
  for (uint32_t i = 0; i < direct_roots; ++i)
    root.entry[entries / 2 + i] = image_physical(&direct_tables[i]) | link_bits;
  root.entry[windows_base / root_span % entries] = image_physical(&windows_table) | link_bits;
  tables.adopt(image_physical(&root));
  map_image();
  map_boot_memory();
  if (features.nx) write_msr(msr_efer, read_msr(msr_efer) | efer_nxe);
  write_cr3(tables.root());
  (void)tables.take_stale();
  x86_has_nx = features.nx ? 1 : 0;
  // release: what arriving CPUs are about to load is complete; partner: x86_start's look.
  __atomic_store_n(&x86_kernel_cr3, tables.root(), __ATOMIC_RELEASE);
}

void use_page_allocator_for_tables() { allocator_serves = true; }
const PageTables& kernel_tables() { return tables; }

int map_direct(PhysAddr base, uint64_t size) {
  if (base >= HOBBES_X86_DIRECT_SIZE || size > HOBBES_X86_DIRECT_SIZE - base) return -EINVAL;
  Guard guard(changes);
  return tables.map(HOBBES_X86_DIRECT_MAP + base, base, size, kernel_bits | page_writable | no_execute());
}

void unmap_direct(PhysAddr base, uint64_t size) {
  Guard guard(changes);
  must(tables.unmap(HOBBES_X86_DIRECT_MAP + base, size));
  if (tables.take_stale()) flush_kernel_translations();
  tables.release_tables();
}

void* map_device_page(PhysAddr page) {
  Guard guard(changes);
  const uint64_t at = device_base + devices++ * page_size;
  must(tables.map(at, page, page_size, kernel_bits | page_writable | uncached | no_execute()));
  return reinterpret_cast<void*>(at);
}

void* map_registers(uint32_t place, PhysAddr base, uint64_t size) {
  Guard guard(changes);
  const PhysAddr start = align_down(base, page_size);
  const uint64_t length = align_up(base + size, page_size) - start;
  // As far into a large page as the registers are, so that large pages fit.
  const uint64_t offset = align_up(windows_used[place], large_page_size) + start % large_page_size;
  if (base + size < base || length > window_size || offset > window_size - length) return nullptr;
  const uint64_t at = window_at(place) + offset;
  if (tables.map(at, start, length, kernel_bits | page_writable | uncached | no_execute()) != 0) return nullptr;
  windows_used[place] = offset + length;
  return reinterpret_cast<void*>(at + base % page_size);
}

void unmap_registers(uint32_t place) {
  Guard guard(changes);
  must(tables.unmap(window_at(place), align_up(windows_used[place], large_page_size)));
  windows_used[place] = 0;
  if (tables.take_stale()) flush_kernel_translations();
  tables.release_tables();
}

PhysAddr allocate_table() {
  if (allocator_serves) return page_allocator().allocate(0, true);
  return spare_used == start_tables ? 0 : image_physical(&spare_tables[spare_used++]);
}

void free_table(PhysAddr table) {
  if (!in_image(table)) page_allocator().free(table, page_size);
}

uint64_t* table_at(PhysAddr table) {
  if (!in_image(table)) return static_cast<uint64_t*>(port::direct(table));
  return reinterpret_cast<uint64_t*>(table - boot_params().kernel_base + HOBBES_X86_KERNEL_BASE);
}

}  // namespace hobbes::lwk::x86
