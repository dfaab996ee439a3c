// SPDX-License-Identifier: Apache-2.0
// OwnMemory: which memory of this process is in memfds, and how the rest gets there.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/units.hpp"
#include "leviathan/client/xemem/maps.hpp"
#include "leviathan/client/xemem/memory_file.hpp"

namespace hobbes::xemem {

/// What can be exported of a range.
struct Exported {
  Pieces pieces;
  std::vector<SegmentId> sources;  ///< segments whose pages these are
};

/// Under the caller's lock.
class OwnMemory {
 public:
  /// Zeroed memory in a memfd of its own. ENOMEM.
  [[nodiscard]] Result<char*> allocate(std::uint64_t size);
  /// EINVAL: it is not the start of such memory.
  [[nodiscard]] Status free(char* address);

  /// The file of memory that allocate() returned as `address`, all of it. EINVAL: it is not that.
  [[nodiscard]] Result<MemoryFilePtr> allocated(char* address, std::uint64_t size) const;

  /// An attachment came, or goes.
  void add(char* address, const Pieces& pieces, SegmentId source);
  void remove(char* address);

  /// The files of a range, after moving what is in none into one (stop_others.hpp).
  [[nodiscard]] Result<Exported> exported(char* address, std::uint64_t size);

  /// What has been moved, for a child of fork() (process.cpp).
  struct Range {
    char* address;
    std::uint64_t size;
    int fd;
  };
  [[nodiscard]] std::vector<Range> moved() const;

 private:
  enum class Kind { allocated, attached, moved };
  struct Known {
    std::uint64_t size = 0;
    Kind kind = Kind::allocated;
    Pieces pieces;
    SegmentId source;
  };

  [[nodiscard]] const std::pair<char* const, Known>* known_at(char* address) const;
  [[nodiscard]] Status move(char* address, std::uint64_t size);
  void forget_unmapped(char* address, std::uint64_t size);

  std::map<char*, Known> known_;  ///< by address; they do not overlap
};

}  // namespace hobbes::xemem
