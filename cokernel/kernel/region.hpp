// SPDX-License-Identifier: Apache-2.0
// Region: a range of addresses that is mapped in one way, and the memory behind it.
#pragma once

#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

/// Physically contiguous pages.
struct Extent {
  PhysAddr base;
  uint64_t size;
};

struct SharedMemory;

/// Whose pages shared memory is, if not its own: a file's.
struct MemoryOwner : Immovable {
  virtual ~MemoryOwner() = default;
  /// [offset, offset + size) of it, to be mapped; `may_write`: and written. 0 or -errno.
  [[nodiscard]] virtual int share(uint64_t offset, uint64_t size, bool may_write, SharedMemory*& memory) = 0;
  /// Nobody maps such a part any more. Any locks may be held.
  virtual void unshare(bool may_write) = 0;
};

/// Memory that several regions (of several processes) may map: it lives until the last lets go.
struct SharedMemory : Immovable {
  uint32_t references = 1;  // atomic
  uint64_t size = 0;
  Extent* extents = nullptr;
  uint32_t extent_count = 0;
  MemoryOwner* owner = nullptr;  ///< null: the extents are its own
  uint64_t owner_offset = 0;
  bool may_write = true;
};
void release_shared(SharedMemory* shared);

enum class RegionKind : uint8_t { anonymous, image, heap, stack, file };

struct Region : ListNode {
  UserAddr start = 0, end = 0;
  uint32_t protection = 0;
  bool may_write = true;      ///< mprotect may make it writable
  bool locked = false;        ///< mlock: counted, nothing more; all memory stays where it is
  RegionKind kind = RegionKind::anonymous;
  Extent* extents = nullptr;  ///< in order; owned unless `shared`; null: reserved addresses without memory (PROT_NONE)
  uint32_t extent_count = 0;
  bool borrowed = false;      ///< of a vfork child: the extents' memory is its parent's
  SharedMemory* shared = nullptr;
  uint64_t shared_offset = 0;
  char name[64] = {};  ///< for /proc/self/maps: a path, "[heap]", "[stack]", ""
  uint64_t file_offset = 0;
};

/// Bytes of a stack in which nothing is kept when the stack pointer is `depth` bytes above its bottom: whole pages below
/// the red zone.
[[nodiscard]] inline uint64_t unused_stack(uint64_t depth) {
  constexpr uint64_t red_zone = 128;
  return align_down(depth - min(red_zone, depth), page_size);
}

/// Calls use(physical, size) for each contiguous piece of [offset, offset + size) of the extents, until one returns not 0.
template <typename Use>
[[nodiscard]] int for_pieces(const Extent* extents, uint32_t count, uint64_t offset, uint64_t size, Use use) {
  for (uint32_t i = 0; i < count && size > 0; ++i) {
    if (offset >= extents[i].size) {
      offset -= extents[i].size;
      continue;
    }
    const uint64_t piece = min(extents[i].size - offset, size);
    if (const int error = use(extents[i].base + offset, piece); error != 0) return error;
    size -= piece;
    offset = 0;
  }
  return 0;
}

/// The same for [offset, offset + size) of a region.
template <typename Use>
[[nodiscard]] int for_region(const Region& region, uint64_t offset, uint64_t size, Use use) {
  if (region.shared != nullptr)
    return for_pieces(region.shared->extents, region.shared->extent_count, region.shared_offset + offset, size, use);
  return for_pieces(region.extents, region.extent_count, offset, size, use);
}

}  // namespace hobbes::lwk
