// SPDX-License-Identifier: Apache-2.0
// Linux threads and processes of the enclave.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::hosted {

/// Bytes at a kernel stack's top that hold Registers and that no signal frame may overwrite.
inline constexpr uint64_t register_area = 512;

void start_threads(bool have_fsgsbase);
/// Lets port::current() be `thread`: what stands before every counted call of Linux.
void set_current(Thread& thread);
/// Makes the running Linux thread `thread`, ready for traps.
void become(Thread& thread);
/// Waits for Linux processes of the enclave to end, until there are none. One that was killed from outside is a panic.
int reap_processes();
/// Wakes the reaper: there may be children now.
void note_child();
[[nodiscard]] uint64_t init_pid();

}  // namespace hobbes::lwk::hosted
