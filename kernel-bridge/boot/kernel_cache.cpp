// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/boot/kernel_cache.hpp"

namespace hobbes::bridge {
namespace {

bool same_content(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
         a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

}  // namespace

Result<std::shared_ptr<const KernelImage>> KernelCache::get(const std::filesystem::path& file) {
  struct stat now {};
  // Before the file is read: when it changes meanwhile, the next call sees another status and reads it again. A file
  // that is not there is KernelImage::open()'s to report.
  const bool known = ::stat(file.c_str(), &now) == 0;
  const std::lock_guard lock(mutex_);
  if (known && image_ != nullptr && same_content(now, status_)) return image_;
  image_ = std::make_shared<const KernelImage>(TRY(KernelImage::open(file, base_)));
  status_ = now;
  return image_;
}

}  // namespace hobbes::bridge
