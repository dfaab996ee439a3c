// SPDX-License-Identifier: Apache-2.0
// The port's memory: the direct map, and the page tables of the running process.
#include "cokernel/arch/x86_64/cpu.hpp"
#include "cokernel/arch/x86_64/kernel_space.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/arch/x86_64/scheduler.hpp"
#include "cokernel/arch/x86_64/space.hpp"
#include "cokernel/arch/x86_64/tlb.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/abi/x86_64.h"

namespace hobbes::lwk {
namespace {

uint64_t bits_of(uint32_t protection) {
  using namespace x86;
  const uint64_t no_execute = if_has((protection & port::prot_exec) == 0 && features.nx, page_no_execute);
  if (protection == port::prot_none) return page_held | page_user | no_execute;
  return page_present | page_user | page_accessed | page_dirty | no_execute |
         if_has((protection & port::prot_write) != 0, page_writable);
}

x86::Space& running_space() { return *x86::running_thread_state().space; }

/// After a change of its tables, under its lock.
void settle(x86::Space& space, UserAddr address, uint64_t size) {
  if (space.tables.take_stale()) x86::flush_translations(space, address, size);
  space.tables.release_tables();
}

}  // namespace

namespace x86 {

Space* create_space(Space* lender) {
  Owned<Space> space(new (nothrow) Space);
  if (!space) return nullptr;
  int error = space->tables.create(kernel_tables());
  if (error == 0 && lender != nullptr) {
    Guard guard(lender->lock);
    error = space->tables.copy_lower_half(lender->tables);
  }
  if (error == 0) return space.release();
  space->tables.destroy();
  return nullptr;
}

void leave_space(Space& space) {
  // acq_rel: whoever is last sees everything the others did.
  if (__atomic_sub_fetch(&space.threads, 1, __ATOMIC_ACQ_REL) != 0) return;
  space.tables.destroy();
  delete &space;
}

}  // namespace x86

namespace port {

void* direct(PhysAddr address) { return reinterpret_cast<void*>(HOBBES_X86_DIRECT_MAP + address); }
PhysAddr physical(const void* pointer) { return reinterpret_cast<uint64_t>(pointer) - HOBBES_X86_DIRECT_MAP; }
uint64_t host_address(const void* pointer) {
  return pointer == nullptr ? 0 : HOBBES_HOSTED_DIRECT_MAP + physical(pointer);
}

int attach_memory(PhysAddr base, uint64_t size) { return x86::map_direct(base, size); }
void detach_memory(PhysAddr base, uint64_t size) { x86::unmap_direct(base, size); }

// A machine of its own has no page cache of the host's.
bool borrows_files() { return false; }
int take_lent(uint64_t) { return -ENODEV; }
void give_back(int) {}
int map_lent(UserAddr, int, uint64_t, uint64_t, uint32_t) { return -ENODEV; }
int store_lent(UserAddr, uint64_t) { return 0; }

int map(UserAddr address, PhysAddr physical, uint64_t size, uint32_t protection) {
  x86::Space& space = running_space();
  Guard guard(space.lock);
  const int error = space.tables.map(address, physical, size, bits_of(protection));
  settle(space, address, size);
  return error;
}

void unmap(UserAddr address, uint64_t size) {
  x86::Space& space = running_space();
  Guard guard(space.lock);
  // Splitting a large page takes a table; the page allocator keeps some memory back for such.
  if (space.tables.unmap(address, size) != 0) panic("no memory for a page table");
  settle(space, address, size);
}

int protect(UserAddr address, uint64_t size, uint32_t protection) {
  x86::Space& space = running_space();
  Guard guard(space.lock);
  const int error = space.tables.protect(address, size, bits_of(protection));
  settle(space, address, size);
  return error;
}

void memory_barrier(bool everybody) { x86::barrier_on_cpus(everybody ? nullptr : x86::running_thread_state().space); }

}  // namespace port
}  // namespace hobbes::lwk
