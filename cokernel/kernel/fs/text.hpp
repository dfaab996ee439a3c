// SPDX-License-Identifier: Apache-2.0
// Text: bytes that grow while they are written, for files whose contents are made when they are opened.
#pragma once

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {

class Text : Immovable {
 public:
  ~Text() { release(bytes_); }

  void append(const void* bytes, uint64_t size) {
    if (!reserve(size_ + size)) return;
    memcpy(bytes_ + size_, bytes, size);
    size_ += size;
  }
  void append(const char* text) { append(text, strlen(text)); }
  /// As lwk::format; a line of at most 511 bytes.
  template <typename... Values>
  void print(const char* pattern, Values... values) {
    char line[512];
    append(line, format(line, sizeof(line), pattern, values...));
  }

  [[nodiscard]] const char* bytes() const { return bytes_; }
  [[nodiscard]] uint64_t size() const { return size_; }
  /// Memory was out; what was to come is missing.
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  [[nodiscard]] bool reserve(uint64_t size) {
    if (failed_ || size <= capacity_) return !failed_;
    const uint64_t larger = max(max<uint64_t>(size, 256), capacity_ * 2);
    auto* bytes = static_cast<char*>(allocate(larger));
    failed_ = bytes == nullptr;
    if (failed_) return false;
    memcpy(bytes, bytes_, size_);
    release(bytes_);
    bytes_ = bytes;
    capacity_ = larger;
    return true;
  }

  char* bytes_ = nullptr;
  uint64_t size_ = 0, capacity_ = 0;
  bool failed_ = false;
};

}  // namespace hobbes::lwk::fs
