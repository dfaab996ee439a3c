// SPDX-License-Identifier: Apache-2.0
// mremap: a mapping grows where it is, shrinks, or moves with its pages. One of a file's memory is made anew.
#include "cokernel/kernel/address_space.hpp"

#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {

/// A larger mapping of the memory of a file, where it was or elsewhere.
Sysret AddressSpace::regrow(UserAddr address, uint64_t old_size, const Request& wanted, bool may_move) {
  Request request = wanted;
  if (!request.fixed) {
    const UserAddr end = address + old_size;
    const uint64_t more = request.size - old_size;
    const bool room = can_hold(end, more) && hole_locked(end, end + more, more, page_size) == end;
    if (!room && !may_move) return -ENOMEM;
    request.address = room ? address : choose_address(request.size);
    if (request.address == 0) return -ENOMEM;
    request.fixed = true;
  }
  if (const int error = unmap_locked(address, address + old_size); error != 0) return error;
  return map_locked(request);
}

Sysret AddressSpace::remap(UserAddr address, uint64_t old_size, uint64_t new_size, bool may_move, bool fixed,
                           UserAddr to, SharedMemory* larger) {
  if (address % page_size != 0 || new_size == 0 || old_size == 0) return -EINVAL;
  old_size = align_up(old_size, page_size);
  new_size = align_up(new_size, page_size);
  if (!can_hold(address, old_size)) return -EFAULT;
  if (fixed && (to % page_size != 0 || !can_hold(to, new_size) ||
                (to < address + old_size && address < to + new_size)))
    return -EINVAL;
  Guard guard(lock_);
  if (!is_covered(address, address + old_size)) return -EFAULT;
  Region* region = find(address + old_size - 1);
  if (region->shared != nullptr && new_size > old_size) {
    if (larger == nullptr || region->shared->owner != larger->owner || region->start > address) return -EINVAL;
    char path[sizeof(Region::name)];
    copy_string(path, region->name, sizeof(path));
    Request whole;
    whole.address = to;
    whole.size = new_size;
    whole.protection = region->protection;
    whole.fixed = fixed;
    whole.shared = true;
    whole.may_write = region->may_write;
    whole.locked = region->locked;
    whole.memory = larger;
    whole.kind = region->kind;
    whole.name = path;
    whole.file_offset = larger->owner_offset;
    return regrow(address, old_size, whole, may_move);
  }
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
  growth.locked = region->locked;
  const bool room = !fixed && hole_locked(growth.address, growth.address + growth.size, growth.size, page_size) ==
                                  growth.address && can_hold(growth.address, growth.size);
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
  unmap_pages(address, kept);
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
