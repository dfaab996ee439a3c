// SPDX-License-Identifier: Apache-2.0
// The kernel heap: power-of-two size classes over the page allocator. Every allocation may fail; nothing is zeroed.
#pragma once

#include <new>

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

/// 16-byte aligned; null when the enclave is out of memory. Any thread.
[[nodiscard]] void* allocate(size_t size);
/// The same, all zero: for nothing where the memory is large and still zero.
[[nodiscard]] void* allocate_zeroed(size_t size);
void release(void* pointer);

struct NoThrow {};
inline constexpr NoThrow nothrow;

}  // namespace hobbes::lwk

/// `new (nothrow) T` yields null when memory is out; plain `new` of single objects does not exist here.
inline void* operator new(size_t size, hobbes::lwk::NoThrow) noexcept { return hobbes::lwk::allocate(size); }

namespace hobbes::lwk {

/// Owns one heap object.
template <typename T>
class Owned {
 public:
  Owned() = default;
  explicit Owned(T* object) : object_(object) {}
  Owned(Owned&& other) : object_(other.release()) {}
  Owned& operator=(Owned&& other) {
    T* taken = other.release();
    delete object_;
    object_ = taken;
    return *this;
  }
  ~Owned() { delete object_; }
  [[nodiscard]] T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  [[nodiscard]] T* release() {
    T* object = object_;
    object_ = nullptr;
    return object;
  }

 private:
  T* object_ = nullptr;
};

/// A raw kernel buffer that returns itself.
class Buffer : Immovable {
 public:
  explicit Buffer(size_t size) : data_(static_cast<char*>(allocate(size))) {}
  ~Buffer() { lwk::release(data_); }
  [[nodiscard]] char* data() const { return data_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  char* data_;
};

}  // namespace hobbes::lwk
