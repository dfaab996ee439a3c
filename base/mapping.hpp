// SPDX-License-Identifier: Apache-2.0
// Mapping: owns one mmap()ed range.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.hpp"

namespace hobbes {

class Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  /// Maps `size` bytes of `fd` at `offset`, shared; `protection` is mmap's (PROT_READ, ...), `flags` are added to
  /// MAP_SHARED (MAP_POPULATE, ...).
  [[nodiscard]] static Result<Mapping> shared(int fd, std::size_t size, int protection, std::uint64_t offset = 0,
                                              int flags = 0);

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  Mapping(std::byte* data, std::size_t size) : data_(data), size_(size) {}

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace hobbes
