// SPDX-License-Identifier: Apache-2.0
// The system calls of applications and of the enclave, added up: for leviathan, and for private call task_counters.
#pragma once

#include "cokernel/kernel/control_reply.hpp"
#include "cokernel/kernel/process.hpp"
#include "kernel-bridge/abi/commands.h"

namespace hobbes::lwk {

/// Under process_lock: a thread leaves; its counts go to its process and its application.
void account_thread_locked(const Thread& thread);
/// Under process_lock: an application is forgotten. Its counts stay in the enclave's sum, and for a while by themselves.
void account_app_locked(const App& app);

/// COUNTERS.
[[nodiscard]] hobbes_counters counters();
/// SYSTEM_CALLS of an application, also of one that was forgotten not long ago; `app_id` 0: of the enclave since its boot.
/// Fails the reply with -ESRCH if there is nothing to tell.
void report_system_calls(uint64_t app_id, Reply& reply);

/// All threads that it has and had.
[[nodiscard]] ProcessCalls calls_of(Process& process);

}  // namespace hobbes::lwk
