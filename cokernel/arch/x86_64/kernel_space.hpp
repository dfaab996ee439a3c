// SPDX-License-Identifier: Apache-2.0
// The kernel's half of every address space: its image, the direct map of the enclave's memory, and device registers.
#pragma once

#include "cokernel/arch/x86_64/page_tables.hpp"

namespace hobbes::lwk::x86 {

/// Builds the kernel's page tables from the boot parameters, and loads them. Called once, on the starter's page tables.
void start_kernel_space();
/// From now on tables are made of the page allocator's memory, not of what the image has for the start.
void use_page_allocator_for_tables();
/// What CR3 is while no process' thread runs.
[[nodiscard]] const PageTables& kernel_tables();

/// Into the direct map: 0, -ENOMEM, or -EINVAL (out of its reach).
[[nodiscard]] int map_direct(PhysAddr base, uint64_t size);
/// Out of it, on every CPU when it returns.
void unmap_direct(PhysAddr base, uint64_t size);
/// Registers of the device at a place, uncached; null: no room for them. And all of them out again, on every CPU.
[[nodiscard]] void* map_registers(uint32_t place, PhysAddr base, uint64_t size);
void unmap_registers(uint32_t place);
/// A page of the CPU's own registers, uncached.
[[nodiscard]] void* map_device_page(PhysAddr page);

/// A zeroed page for a table; 0: none.
[[nodiscard]] PhysAddr allocate_table();
void free_table(PhysAddr table);
[[nodiscard]] uint64_t* table_at(PhysAddr table);

}  // namespace hobbes::lwk::x86
