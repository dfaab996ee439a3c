// SPDX-License-Identifier: Apache-2.0
#include "base/mapping.hpp"

#include <utility>

namespace hobbes {

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<Mapping> Mapping::shared(int fd, std::size_t size, int protection, std::uint64_t offset, int flags) {
  void* at = ::mmap(nullptr, size, protection, MAP_SHARED | flags, fd, static_cast<off_t>(offset));
  if (at == MAP_FAILED) return last_errno("map " + std::to_string(size) + " bytes");
  return Mapping(static_cast<std::byte*>(at), size);
}

}  // namespace hobbes
