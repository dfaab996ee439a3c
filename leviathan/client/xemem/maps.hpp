// SPDX-License-Identifier: Apache-2.0
// What /proc/self/maps says of a range, read without the heap: other threads may be stopped while they hold its lock.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace hobbes::xemem {

struct MappedArea {
  std::uint64_t start = 0, end = 0;
  int protection = 0;  ///< PROT_*
  bool shared = false;
  std::uint64_t offset = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const MappedArea&, const MappedArea&) = default;
};

/// The areas that reach into a range, cut to it, in order.
struct MappedAreas {
  static constexpr std::size_t most = 256;
  std::array<MappedArea, most> area;
  std::size_t count = 0;

  [[nodiscard]] const MappedArea* begin() const { return area.data(); }
  [[nodiscard]] const MappedArea* end() const { return area.data() + count; }
  friend bool operator==(const MappedAreas& a, const MappedAreas& b) {
    bool same = a.count == b.count;
    for (std::size_t i = 0; same && i < a.count; ++i) same = a.area[i] == b.area[i];
    return same;
  }
};

/// False, with errno: EFAULT where there are holes; ENOMEM where there are too many areas.
[[nodiscard]] bool read_areas(std::uint64_t start, std::uint64_t end, MappedAreas& areas);

}  // namespace hobbes::xemem
