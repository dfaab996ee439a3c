// SPDX-License-Identifier: Apache-2.0
// User memory, reached by its user address in the running process' address space.
#include "cokernel/kernel/user_memory.hpp"

#include "cokernel/arch/common/user_copy.hpp"

namespace hobbes::lwk::port {

bool copy_from_user(void* to, UserAddr from, size_t size) {
  return user_copy(to, reinterpret_cast<const void*>(from), size);
}

bool copy_to_user(UserAddr to, const void* from, size_t size) {
  return is_user_range(to, size) && user_copy(reinterpret_cast<void*>(to), from, size);
}

int64_t copy_string_from_user(char* to, UserAddr from, size_t limit) {
  if (from < user_start || from >= user_end) return -1;
  return user_copy_string(to, reinterpret_cast<const char*>(from), min<uint64_t>(limit, user_end - from));
}

bool load_user_word(UserAddr address, uint32_t& value) {
  return is_user_range(address, sizeof(value)) && user_load_word(reinterpret_cast<const uint32_t*>(address), &value);
}

bool compare_exchange_user_word(UserAddr address, uint32_t& expected, uint32_t desired) {
  return is_user_range(address, sizeof(desired)) &&
         user_compare_exchange(reinterpret_cast<uint32_t*>(address), &expected, desired);
}

}  // namespace hobbes::lwk::port
