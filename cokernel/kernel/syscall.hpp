// SPDX-License-Identifier: Apache-2.0
// System calls: numbers are Linux's x86-64 ones; private calls start at 500.
#pragma once

#include "cokernel/kernel/registers.hpp"
#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

struct Thread;

/// The six argument registers, in order.
struct Args {
  uint64_t at[6];
  uint64_t operator[](int i) const { return at[i]; }
};

using SyscallHandler = Sysret (*)(Thread& self, const Args& args);

/// One row of a table of calls. The tables of kernel/ and kernel/fs/ are joined in syscall_table.cpp.
struct SyscallRow {
  uint16_t number;
  const char* name;
  SyscallHandler handler;
};

inline constexpr uint32_t syscall_limit = 640;

/// Serves registers.number and leaves the result in rax. Called by the port, on the kernel stack.
void serve_system_call(Thread& self, Registers& registers);

/// The name of a call, or null.
[[nodiscard]] const char* syscall_name(uint32_t number);

}  // namespace hobbes::lwk
