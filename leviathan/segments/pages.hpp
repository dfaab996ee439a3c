// SPDX-License-Identifier: Apache-2.0
// Pages: the memory of a segment, for as long as anybody may still have it mapped.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/cut.hpp"
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
  return hobbes::cut(pieces, offset, size, [](const Piece& piece, std::uint64_t from, std::uint64_t length) {
    return Piece{piece.file, piece.offset + from, length};
  });
}
inline Extents cut(const Extents& extents, std::uint64_t offset, std::uint64_t size) {
  return hobbes::cut(extents, offset, size, [](const hobbes_xemem_extent& extent, std::uint64_t from, std::uint64_t length) {
    return hobbes_xemem_extent{extent.base + from, length};
  });
}

/// Whether [offset, offset + size) is whole pages, at least one, of something of `limit` bytes.
inline bool is_part(std::uint64_t offset, std::uint64_t size, std::uint64_t limit) {
  return offset % page_size == 0 && size % page_size == 0 && size != 0 && offset <= limit && size <= limit - offset;
}

/// Whether an extent lies in [base, base + size).
inline bool is_within(const hobbes_xemem_extent& extent, std::uint64_t base, std::uint64_t size) {
  return extent.base >= base && extent.base - base < size && extent.size <= size - (extent.base - base);
}

}  // namespace hobbes::leviathan::segments
