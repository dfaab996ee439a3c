// SPDX-License-Identifier: Apache-2.0
// Locked memory. None is ever anywhere else, so a lock is a mark that counts against RLIMIT_MEMLOCK.
#include "cokernel/kernel/address_space.hpp"

namespace hobbes::lwk {

uint64_t AddressSpace::locked_bytes_locked(UserAddr start, UserAddr end) {
  uint64_t bytes = 0;
  for (const Region& region : regions_) {
    if (region.end <= start) continue;
    if (region.start >= end) break;
    if (region.locked) bytes += min(end, region.end) - max(start, region.start);
  }
  return bytes;
}

bool AddressSpace::may_lock(uint64_t more, uint64_t limit) {
  return more <= limit - min(limit, locked_bytes_locked(0, port::user_end));
}

bool AddressSpace::may_lock_more(UserAddr address, uint64_t more, uint64_t limit) {
  Guard guard(lock_);
  const Region* region = find(address);
  return region == nullptr || !region->locked || may_lock(more, limit);
}

int AddressSpace::set_locked(UserAddr start, UserAddr end, bool locked, uint64_t limit) {
  Guard guard(lock_);
  if (locked && !may_lock(end - start - locked_bytes_locked(start, end), limit)) return -ENOMEM;
  // What there is up to the first gap is locked, as on Linux.
  const bool covered = is_covered(start, end);
  if (const int error = split_range(start, end); error != 0) return error;
  for (UserAddr at = start; at < end;) {
    Region* region = find(at);
    if (region == nullptr) break;
    region->locked = locked;
    at = region->end;
    (void)merge(*region);
  }
  return covered ? 0 : -ENOMEM;
}

int AddressSpace::set_all_locked(bool now, bool future, uint64_t limit) {
  Guard guard(lock_);
  if (now && mapped_bytes_ > limit) return -ENOMEM;
  locks_future_ = future;
  for (Region& region : regions_) region.locked |= now;
  return 0;
}

void AddressSpace::unlock_all() {
  Guard guard(lock_);
  locks_future_ = false;
  for (Region& region : regions_) region.locked = false;
}

}  // namespace hobbes::lwk
