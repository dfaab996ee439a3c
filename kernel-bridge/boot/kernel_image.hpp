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
#include "kernel-bridge/abi/hosted.h"

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
  /// `base`: where it has to be linked; bare-metal kernels at HOBBES_X86_KERNEL_BASE (abi/x86_64.h).
  [[nodiscard]] static Result<KernelImage> open(const std::filesystem::path& file,
                                                std::uint64_t base = HOBBES_HOSTED_KERNEL_BASE);
  /// The same for a file's content in memory, which must outlive the image.
  [[nodiscard]] static Result<KernelImage> parse(std::span<const std::byte> content,
                                                 std::uint64_t base = HOBBES_HOSTED_KERNEL_BASE);

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
