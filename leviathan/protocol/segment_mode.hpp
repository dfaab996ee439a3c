// SPDX-License-Identifier: Apache-2.0
// Who may read and write a segment: the rule that leviathan goes by, and that clients ask first, who see the same record.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace hobbes::protocol {

/// A segment's owner and mode decide as a file's do. `in_group(gid)`: whether `uid` is of that group. Writing needs both
/// rights.
template <typename Segment, typename InGroup>
[[nodiscard]] bool mode_allows(const Segment& segment, uid_t uid, InGroup in_group, bool writable) {
  constexpr std::uint32_t read = 4, write = 2;
  if (uid == 0) return true;
  std::uint32_t bits = segment.mode;
  if (uid == segment.owner_uid) bits >>= 6;
  else if (in_group(segment.owner_gid)) bits >>= 3;
  const std::uint32_t wanted = writable ? read | write : read;
  return (bits & wanted) == wanted;
}

}  // namespace hobbes::protocol
