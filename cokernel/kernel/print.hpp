// SPDX-License-Identifier: Apache-2.0
// The kernel's own messages, on the enclave's console.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk {

/// %s %d %u %x (64-bit each: pass int64_t/uint64_t/const char*), %%.
void print(const char* format, ...);
/// As above into `to`, always terminated; returns the length written.
size_t format(char* to, size_t size, const char* format, ...);

/// Ends the enclave: leaves the reason in the crash record and on the console, and halts every CPU.
[[noreturn]] void panic(const char* format, ...);
/// The same of code elsewhere: `address` is where it happened.
[[noreturn]] void panic_at(uint64_t address, const char* format, ...);

}  // namespace hobbes::lwk
