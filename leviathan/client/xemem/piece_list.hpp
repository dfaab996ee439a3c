// SPDX-License-Identifier: Apache-2.0
// Pieces of memory as leviathan is told of them.
#pragma once

#include <algorithm>
#include <vector>

#include "leviathan/client/xemem/memory_file.hpp"
#include "leviathan/protocol/segment_messages.hpp"

namespace hobbes::xemem {

/// Adds them to a message; the descriptors that have to come with it, each once.
[[nodiscard]] inline std::vector<int> add_pieces(protocol::SegmentMake& message, const Pieces& pieces) {
  std::vector<int> fds;
  for (const Piece& piece : pieces) {
    const auto place = std::ranges::find(fds, piece.file->fd.get());
    message.pieces.push_back({static_cast<std::uint32_t>(place - fds.begin()), piece.offset, piece.size});
    if (place == fds.end()) fds.push_back(piece.file->fd.get());
  }
  message.files = static_cast<std::uint32_t>(fds.size());
  return fds;
}

}  // namespace hobbes::xemem
