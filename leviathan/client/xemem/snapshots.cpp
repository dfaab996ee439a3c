// SPDX-License-Identifier: Apache-2.0
// The snapshots of a Sharing.
#include <cerrno>

#include "leviathan/client/xemem/sharing.hpp"

namespace hobbes::xemem {

Result<VersionedRange*> Sharing::range_of(char* address, std::uint64_t size) {
  if (const auto known = ranges_.find(address); known != ranges_.end()) {
    if (known->second->size() == size) return known->second;
    return Error(Code::invalid, "snapshot: of another range than before", EINVAL);
  }
  VersionedRange* const range = TRY(VersionedRange::create(address, size, TRY(memory_.allocated(address, size))));
  ranges_[address] = range;
  return range;
}

Result<SegmentId> Sharing::snapshot(char* address, std::uint64_t size, const std::string& name, std::uint32_t mode) {
  const std::lock_guard lock(mutex_);
  VersionedRange* const range = TRY(range_of(address, size));
  if (!publisher_) publisher_ = std::make_unique<Publisher>(link_.run_dir);
  return publisher_->publish({range, TRY(range->freeze()), name, mode});
}

void Sharing::settle() {
  if (publisher_) publisher_->settle();
}

}  // namespace hobbes::xemem
