// SPDX-License-Identifier: Apache-2.0
// KernelImage: a co-kernel's ELF file, checked, ready to be copied into a boot block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/mapping.hpp"
#include "base/result.hpp"
#include "base/units.hpp"

namespace hobbes::bridge {

/// What the image's place in memory looks like, as the boot parameters state it.
struct KernelLayout {
  Bytes size;               ///< with zero-filled data, page aligned
  Bytes text;               ///< code and read-only data at its start, page aligned
  std::uint64_t entry = 0;  ///< virtual
};

class KernelImage {
 public:
  /// Reads an ELF file; the error names the file and what is wrong with it: not there, not an ELF file, of another
  /// machine, cut off, linked elsewhere.
  [[nodiscard]] static Result<KernelImage> open(const std::filesystem::path& file);
  /// The same for a file's content in memory, which must outlive the image.
  [[nodiscard]] static Result<KernelImage> parse(std::span<const std::byte> content);

  [[nodiscard]] const KernelLayout& layout() const { return layout_; }
  /// Copies the image to `place`, which is zero and has layout().size bytes or more.
  void copy_to(std::span<std::byte> place) const;

 private:
  struct Segment {
    std::uint64_t offset_in_memory;
    std::span<const std::byte> content;
  };

  KernelImage() = default;

  Mapping file_;  // empty after parse()
  KernelLayout layout_;
  std::vector<Segment> segments_;
};

}  // namespace hobbes::bridge
