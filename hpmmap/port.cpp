// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/lent_files.hpp"
#include "cokernel/kernel/port.hpp"
// Before what has <errno.h>, whose macros have the names of the co-kernel's constants.
#include "hpmmap/port.hpp"

#include <sys/syscall.h>

#include <cstdlib>
#include <new>

#include "hpmmap/reserve.hpp"
#include "hpmmap/shortage.hpp"

namespace hobbes::hpmmap {
namespace {

Tracee* acting;  // one thread does it all
bool changed;

}  // namespace

Acting::Acting(Tracee& tracee) {
  acting = &tracee;
  changed = false;
}
Acting::~Acting() { acting = nullptr; }
bool Acting::has_changed() { return changed; }

}  // namespace hobbes::hpmmap

namespace hobbes::lwk {

using hpmmap::acting;

// There is no second thread to wait for.
void port::wait(uint32_t*, uint32_t, int64_t) { std::abort(); }
void port::wake(uint32_t*, int) {}
void port::relax() {}

void* port::direct(PhysAddr address) { return hpmmap::at(address); }

int port::map(UserAddr address, PhysAddr physical, uint64_t size, uint32_t protection) {
  while (size > 0) {
    const hpmmap::Place place = hpmmap::place_of(physical);
    const uint64_t part = min(size, place.left);
    const long mapped = acting->map_block(address, place.block, place.offset, part, static_cast<int>(protection));
    if (mapped < 0) {
      if (mapped != -ENOMEM) hpmmap::tell_unreachable();
      return -ENOMEM;  // so memory comes from elsewhere
    }
    address += part;
    physical += part;
    size -= part;
  }
  return 0;
}

void port::unmap(UserAddr address, uint64_t size) {
  hpmmap::changed = true;
  acting->call(SYS_munmap, {address, size});
}

int port::protect(UserAddr address, uint64_t size, uint32_t protection) {
  hpmmap::changed = true;
  return static_cast<int>(acting->call(SYS_mprotect, {address, size, protection}));
}

int map_extent(UserAddr address, PhysAddr at, uint64_t size, uint32_t protection) {
  return port::map(address, at, size, protection);
}

void* allocate(size_t size) { return ::operator new(size, std::nothrow); }
void release(void* pointer) { ::operator delete(pointer); }

}  // namespace hobbes::lwk
