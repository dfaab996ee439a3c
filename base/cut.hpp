// SPDX-License-Identifier: Apache-2.0
// A part of something that lies in pieces.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hobbes {

/// [offset, offset + size) of pieces that lie one behind the other and are that long. `part(piece, from, length)` is a
/// part of one piece.
template <typename Piece, typename Part>
[[nodiscard]] std::vector<Piece> cut(const std::vector<Piece>& pieces, std::uint64_t offset, std::uint64_t size, Part part) {
  std::vector<Piece> wanted;
  for (const Piece& piece : pieces) {
    if (offset >= piece.size) {
      offset -= piece.size;
      continue;
    }
    const std::uint64_t length = std::min<std::uint64_t>(piece.size - offset, size);
    if (length == 0) break;
    wanted.push_back(part(piece, offset, length));
    size -= length;
    offset = 0;
  }
  return wanted;
}

}  // namespace hobbes
