// SPDX-License-Identifier: Apache-2.0
// Pages that somebody else is to see, whatever becomes of their mapping here.
#include "cokernel/kernel/address_space.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {

int AddressSpace::hold_pages(UserAddr address, uint64_t size, uint32_t most, Extent*& extents, uint32_t& count,
                             bool& may_write) {
  Buffer scratch(most * sizeof(Extent));
  if (!scratch) return -ENOMEM;
  auto* found = reinterpret_cast<Extent*>(scratch.data());
  uint32_t pieces = 0;
  may_write = true;
  Guard guard(lock_);
  for (UserAddr at = address; at < address + size;) {
    Region* region = find(at);
    if (region == nullptr || (region->protection & port::prot_read) == 0) return -EFAULT;
    may_write = may_write && (region->protection & port::prot_write) != 0;
    const uint64_t length = min(region->end, address + size) - at;
    const int error = for_region(*region, at - region->start, length, [&](PhysAddr base, uint64_t piece) {
      if (pieces > 0 && found[pieces - 1].base + found[pieces - 1].size == base) {
        found[pieces - 1].size += piece;
        return 0;
      }
      if (pieces == most) return -E2BIG;
      found[pieces++] = {base, piece};
      return 0;
    });
    if (error != 0) return error;
    at += length;
  }
  extents = static_cast<Extent*>(allocate(max<uint64_t>(pieces, 1) * sizeof(Extent)));
  if (extents == nullptr) return -ENOMEM;
  count = pieces;
  memcpy(extents, found, count * sizeof(Extent));
  for (uint32_t i = 0; i < count; ++i) page_allocator().hold(extents[i].base, extents[i].size);
  return 0;
}

}  // namespace hobbes::lwk
