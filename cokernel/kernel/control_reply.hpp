// SPDX-License-Identifier: Apache-2.0
// Request and Reply: what a handler of the control task gets and gives.
#pragma once

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/string.hpp"
#include "kernel-bridge/abi/queue.h"

namespace hobbes::lwk {

struct Request {
  uint32_t code = 0;
  uint64_t id = 0;
  const char* payload = nullptr;  ///< a private copy
  uint64_t size = 0;

  /// The struct at the payload's start. False: it is shorter.
  template <typename T>
  [[nodiscard]] bool read(T& value) const {
    if (size < sizeof(T)) return false;
    memcpy(&value, payload, sizeof(T));
    return true;
  }
  /// The string behind a struct of `offset` bytes; null if it has no end.
  [[nodiscard]] const char* string_at(uint64_t offset) const {
    return offset < size && payload[size - 1] == '\0' ? payload + offset : nullptr;
  }
};

class Reply : Immovable {
 public:
  explicit Reply(uint64_t limit) : limit_(limit) {}
  ~Reply() { release(bytes_); }

  void append(const void* data, uint64_t size);
  /// Room for `size` bytes at the end, to be filled in; null: no memory (the reply has failed then).
  [[nodiscard]] char* extend(uint64_t size);
  void shrink(uint64_t size) { size_ -= size; }
  /// Makes it a failure; `what` tells what the errno alone does not, as the reply's payload.
  void fail(int error, const char* what = "");

  [[nodiscard]] uint64_t limit() const { return limit_; }
  [[nodiscard]] int32_t status() const { return status_; }
  [[nodiscard]] int32_t sys_errno() const { return errno_; }
  [[nodiscard]] const char* data() const { return bytes_; }
  [[nodiscard]] uint64_t size() const { return size_; }

 private:
  uint64_t limit_;
  char* bytes_ = nullptr;
  uint64_t size_ = 0, capacity_ = 0;
  int32_t status_ = HOBBES_STATUS_OK;
  int32_t errno_ = 0;
};

}  // namespace hobbes::lwk
