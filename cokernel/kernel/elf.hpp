// SPDX-License-Identifier: Apache-2.0
// ELF images: checked, then mapped. Format: System V ABI, and its AMD64 supplement.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

struct ElfHeader {
  uint8_t ident[16];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, program_offset, section_offset;
  uint32_t flags;
  uint16_t header_size, program_size, program_count, section_size, section_count, name_index;
};
static_assert(sizeof(ElfHeader) == 64);

struct ElfSegment {
  uint32_t type, flags;
  uint64_t offset, address, physical, file_size, memory_size, alignment;
};
static_assert(sizeof(ElfSegment) == 56);

inline constexpr uint16_t max_segments = 32;

/// A checked image, not yet mapped.
struct ElfImage {
  fs::FileRef file;
  char path[path_limit] = {};
  uint8_t head[page_size];  ///< the file's first bytes: all of its headers, as a rule
  uint64_t head_size = 0;
  ElfHeader header;
  ElfSegment segments[max_segments];
  bool fixed = false;  ///< ET_EXEC: segment addresses are final
  UserAddr low = 0, high = 0;  ///< page-aligned extent of the PT_LOADs
  char interpreter[path_limit] = {};  ///< PT_INTERP; empty: none

  // Once mapped.
  UserAddr bias = 0;
  [[nodiscard]] UserAddr entry() const { return bias + header.entry; }
  [[nodiscard]] UserAddr program_headers() const;
};

/// Reads the file's head. 0 or -errno.
[[nodiscard]] int read_head(ElfImage& image);
/// Checks everything that mapping relies on. 0, or -ENOEXEC, -EACCES, -ENOENT, -EIO ... with the reason in `why`.
[[nodiscard]] int read_elf(ElfImage& image, const char*& why);
/// Maps the image into the running process. 0 or -errno.
[[nodiscard]] int map_elf(ElfImage& image, AddressSpace& space);

}  // namespace hobbes::lwk
