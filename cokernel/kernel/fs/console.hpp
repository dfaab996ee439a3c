// SPDX-License-Identifier: Apache-2.0
// The enclave's console (abi/console.h): the kernel's messages, and /dev/console.
#pragma once

#include "cokernel/kernel/fs/file.hpp"

namespace hobbes::lwk::fs {

/// Finds the console among the boot channels; without one, output is dropped and input is at its end.
void start_console();
/// Never waits for a reader. Any thread.
void kernel_console_write(const char* text, size_t size);
/// /dev/console. 0 or -ENOMEM.
[[nodiscard]] int open_console(uint32_t flags, FileRef& file);

}  // namespace hobbes::lwk::fs
