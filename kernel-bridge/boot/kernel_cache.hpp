// SPDX-License-Identifier: Apache-2.0
// KernelCache: the co-kernel image of the boot before, so that the next one of the same file does not read it again.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <mutex>

#include "kernel-bridge/boot/kernel_image.hpp"

namespace hobbes::bridge {

/// Threads: any.
class KernelCache {
 public:
  /// `base`: where images have to be linked (KernelImage::open()).
  explicit KernelCache(std::uint64_t base) : base_(base) {}

  /// The image in the file as it is now; errors as KernelImage::open().
  [[nodiscard]] Result<std::shared_ptr<const KernelImage>> get(const std::filesystem::path& file);

 private:
  const std::uint64_t base_;
  std::mutex mutex_;
  struct stat status_ {};                     // of image_'s file when it was read
  std::shared_ptr<const KernelImage> image_;  // null: none yet
};

}  // namespace hobbes::bridge
