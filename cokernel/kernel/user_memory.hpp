// SPDX-License-Identifier: Apache-2.0
// Typed access to the running process' memory. Every address is checked; failure is EFAULT for the caller to return.
#pragma once

#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk {

[[nodiscard]] constexpr bool is_user_range(UserAddr address, uint64_t size) {
  return address >= port::user_start && address <= port::user_end && size <= port::user_end - address;
}

[[nodiscard]] inline bool copy_in(void* to, UserAddr from, size_t size) {
  return is_user_range(from, size) && port::copy_from_user(to, from, size);
}
[[nodiscard]] inline bool copy_out(UserAddr to, const void* from, size_t size) {
  return is_user_range(to, size) && port::copy_to_user(to, from, size);
}
template <typename T>
[[nodiscard]] bool read_user(UserAddr from, T& value) {
  return copy_in(&value, from, sizeof(T));
}
template <typename T>
[[nodiscard]] bool write_user(UserAddr to, const T& value) {
  return copy_out(to, &value, sizeof(T));
}

inline constexpr size_t path_limit = 4096;

/// A path argument: 0, -EFAULT, -ENAMETOOLONG. `to` has path_limit bytes.
[[nodiscard]] inline int read_user_path(UserAddr from, char* to) {
  if (from < port::user_start || from >= port::user_end) return -EFAULT;
  const int64_t length = port::copy_string_from_user(to, from, path_limit);
  return length >= 0 ? 0 : length == -1 ? -EFAULT : -ENAMETOOLONG;
}

}  // namespace hobbes::lwk
