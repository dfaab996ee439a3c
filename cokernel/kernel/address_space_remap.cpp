// SPDX-License-Identifier: Apache-2.0
// mremap: a mapping grows where it is, shrinks, or moves with its pages.
#include "cokernel/kernel/address_space.hpp"

#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {

Sysret AddressSpace::remap(UserAddr address, uint64_t old_size, uint64_t new_size, bool may_move, bool fixed,
                           UserAddr to) {
  if (address % page_size != 0 || new_size == 0 || old_size == 0) return -EINVAL;
  old_size = align_up(old_size, page_size);
  new_size = align_up(new_size, page_size);
  if (!is_user_range(address, old_size)) return -EFAULT;
  if (fixed && (to % page_size != 0 || !is_user_range(to, new_size) ||
                (to < address + old_size && address < to + new_size)))
    return -EINVAL;
  Guard guard(lock_);
  if (!is_covered(address, address + old_size)) return -EFAULT;
  Region* region = find(address + old_size - 1);
  if (region->shared != nullptr && new_size > old_size) return -EINVAL;
  if (new_size < old_size && !fixed) {
    if (const int error = unmap_locked(address + new_size, address + old_size); error != 0) return error;
    return static_cast<Sysret>(address);
  }
  if (new_size == old_size && !fixed) return static_cast<Sysret>(address);

  char name[sizeof(Region::name)];
  copy_string(name, region->name, sizeof(name));
  Request growth;
  growth.address = address + old_size;
  growth.size = new_size - old_size;
  growth.protection = region->protection;
  growth.fixed = true;
  growth.reserve_only = region->extents == nullptr && region->shared == nullptr;
  growth.kind = region->kind;
  growth.name = name;
  const bool room = !fixed && hole_locked(growth.address, growth.address + growth.size, growth.size, page_size) ==
                                  growth.address && is_user_range(growth.address, growth.size);
  if (room) {
    const Sysret grown = map_locked(growth);
    return grown < 0 ? grown : static_cast<Sysret>(address);
  }
  if (!may_move) return -ENOMEM;

  // Move: the same pages under new addresses, then the rest.
  const UserAddr target = fixed ? to : choose_address(new_size);
  if (target == 0) return -ENOMEM;
  if (fixed)
    if (const int error = unmap_locked(to, to + new_size); error != 0) return error;
  const uint64_t kept = min(old_size, new_size);
  if (kept < old_size)
    if (const int error = unmap_locked(address + kept, address + old_size); error != 0) return error;
  if (const int error = split_range(address, address + kept); error != 0) return error;
  Request rest = growth;
  rest.address = target + kept;
  rest.size = new_size - kept;
  rest.apart = true;  // it may lie right below what is still to be moved
  if (rest.size > 0) {
    const Sysret grown = map_locked(rest);
    if (grown < 0) return grown;
  }
  port::unmap(address, kept);
  for (Region& moved : regions_) {
    if (moved.start < address) continue;
    if (moved.start >= address + kept) break;
    moved.unlink();
    const uint64_t length = moved.end - moved.start;
    mapped_bytes_ -= length;
    moved.start = target + (moved.start - address);
    moved.end = moved.start + length;
    insert(moved);
    if (const int error = map_pages(moved); error != 0) return error;
  }
  for (UserAddr at = target; at < target + new_size;) at = merge(*find(at)).end;
  return static_cast<Sysret>(target);
}

}  // namespace hobbes::lwk
