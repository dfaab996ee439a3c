// SPDX-License-Identifier: Apache-2.0
// user_copy.S: access to user memory by its user address. A fault there makes a routine return false (-1); the port's
// trap handler continues at fixup_of() the faulting instruction.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {

bool user_copy(void* to, const void* from, size_t size);
/// The length, -1: a fault, -2: no NUL within the limit.
int64_t user_copy_string(char* to, const char* from, size_t limit);
bool user_load_word(const uint32_t* from, uint32_t* value);
bool user_compare_exchange(uint32_t* word, uint32_t* expected, uint32_t desired);
bool user_xsave(void* to, uint64_t features);
bool user_xrstor(const void* from, uint64_t features);
/// {first byte, end, where to go} of code that may fault on user memory.
struct UserFixup {
  uint64_t start, end, target;
};
extern const UserFixup user_fixups[];
extern const UserFixup user_fixups_end[];
}

namespace hobbes::lwk {

/// Where a fault at `rip` is to continue; 0: nobody expects one there.
[[nodiscard]] inline uint64_t fixup_of(uint64_t rip) {
  for (const UserFixup* fixup = user_fixups; fixup != user_fixups_end; ++fixup)
    if (rip >= fixup->start && rip < fixup->end) return fixup->target;
  return 0;
}

}  // namespace hobbes::lwk
