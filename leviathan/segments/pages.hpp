// SPDX-License-Identifier: Apache-2.0
// Pages: the memory of a segment, for as long as anybody may still have it mapped.
#pragma once

#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "base/units.hpp"
#include "kernel-bridge/abi/xemem.h"

namespace hobbes::leviathan::segments {

inline constexpr std::uint64_t page_size = 4096;

/// Memory as Linux has it: a memfd, an enclave's block or a client's own. Its size is sealed.
struct File {
  std::uint64_t size = 0;
  UniqueFd writable;  ///< empty: nobody may write it
  UniqueFd readable;  ///< opened for reading alone
};
using FilePtr = std::shared_ptr<const File>;

/// The same file for reading alone.
[[nodiscard]] inline Result<UniqueFd> open_readable(int fd) {
  UniqueFd readable(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC));
  if (!readable) return last_errno("segment: open its memory for reading");
  return readable;
}

struct Piece {
  FilePtr file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
using Pieces = std::vector<Piece>;
using Extents = std::vector<hobbes_xemem_extent>;

/// One of its holders is the segment, as long as it is not removed; others are those who have it open or attached, and
/// segments that are made of the same pages. When the last one lets go, the exporter may use the pages for something
/// else.
struct Pages {
  Pages() = default;
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() {
    if (let_go) let_go();
  }

  std::uint64_t size = 0;
  bool may_write = true;
  EnclaveId home = master_enclave;
  Pieces pieces;    ///< of a Linux process
  Extents extents;  ///< of an enclave, as its kernel numbers them
  std::vector<std::shared_ptr<const void>> sources;  ///< what else must stay as long as these
  std::function<void()> let_go;                      ///< the loop's thread
};

/// [offset, offset + size) of pieces or extents, which are that long.
inline Pieces cut(const Pieces& pieces, std::uint64_t offset, std::uint64_t size) {
  Pieces part;
  for (const Piece& piece : pieces) {
    if (offset >= piece.size) {
      offset -= piece.size;
      continue;
    }
    const std::uint64_t length = std::min(piece.size - offset, size);
    if (length == 0) break;
    part.push_back({piece.file, piece.offset + offset, length});
    size -= length;
    offset = 0;
  }
  return part;
}
inline Extents cut(const Extents& extents, std::uint64_t offset, std::uint64_t size) {
  Extents part;
  for (const hobbes_xemem_extent& extent : extents) {
    if (offset >= extent.size) {
      offset -= extent.size;
      continue;
    }
    const std::uint64_t length = std::min(extent.size - offset, size);
    if (length == 0) break;
    part.push_back({extent.base + offset, length});
    size -= length;
    offset = 0;
  }
  return part;
}

/// Whether [offset, offset + size) is whole pages, at least one, of something of `limit` bytes.
inline bool is_part(std::uint64_t offset, std::uint64_t size, std::uint64_t limit) {
  return offset % page_size == 0 && size % page_size == 0 && size != 0 && offset <= limit && size <= limit - offset;
}

}  // namespace hobbes::leviathan::segments
