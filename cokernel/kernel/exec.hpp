// SPDX-License-Identifier: Apache-2.0
// execve: a new program in the running process.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

/// Argument and environment strings, copied into the kernel: `size` bytes of NUL-terminated strings, arguments first.
struct ProgramStrings : Immovable {
  ~ProgramStrings();
  char* bytes = nullptr;  ///< from the kernel heap; owned
  uint64_t size = 0;
  uint32_t argc = 0, envc = 0;
};

inline constexpr uint64_t program_strings_limit = 2 << 20;  ///< as Linux' with a stack of 8 MiB (E2BIG beyond)

/// Loads `path` into the running process, whose other threads have left and whose old image is gone or about to go.
/// 0: self.registers are at the program's entry. -errno with a reason in `why` (may stay null): before the point of no
/// return nothing has changed; behind it (`*gone`) the process has no image any more and must end.
[[nodiscard]] int execute(Thread& self, const char* path, ProgramStrings& strings, const MemoryPlan& plan,
                          const char*& why, bool& gone);

}  // namespace hobbes::lwk
