// SPDX-License-Identifier: Apache-2.0
// MemoryFile: a memfd that this process holds, and mappings of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "base/unique_fd.hpp"

namespace hobbes::xemem {

inline constexpr std::uint64_t page_size = 4096;
inline constexpr std::uint64_t large_page = 2ull << 20;

struct MemoryFile {
  UniqueFd fd;
  bool writable = true;
  dev_t device = 0;
  ino_t inode = 0;
};
using MemoryFilePtr = std::shared_ptr<const MemoryFile>;

struct Piece {
  MemoryFilePtr file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
using Pieces = std::vector<Piece>;

/// Takes a descriptor over.
[[nodiscard]] Result<MemoryFilePtr> take_file(UniqueFd fd);
/// A new one: nobody else can open it again, and it cannot shrink.
[[nodiscard]] Result<MemoryFilePtr> make_file(std::uint64_t size);
/// The same file, for reading alone.
[[nodiscard]] Result<MemoryFilePtr> read_only(const MemoryFile& file);

[[nodiscard]] Pieces cut(const Pieces& pieces, std::uint64_t offset, std::uint64_t size);

/// Free addresses of `size` bytes, at the same distance from a large page's boundary as `offset` where that helps;
/// nothing can be read there. ENOMEM.
[[nodiscard]] Result<char*> reserve(std::uint64_t size, std::uint64_t offset);
/// Maps the pieces, one behind the other, over what is at `address`, and all their pages.
[[nodiscard]] Status map_pieces(char* address, const Pieces& pieces, bool writable);
/// Gives pages to a file that is mapped there: large ones where the kernel can.
void populate_large(char* address, std::uint64_t size);

}  // namespace hobbes::xemem
