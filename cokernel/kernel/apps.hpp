// SPDX-License-Identifier: Apache-2.0
// The applications of this enclave, as leviathan sees them.
#pragma once

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

/// HIO_CREATE: a new App with a host-I/O channel. 0, -EEXIST, -ENOMEM.
[[nodiscard]] int create_app(uint64_t id, hobbes_hio_created& created);
/// APP_LAUNCH, after create_app of its id; `strings` as abi/commands.h says. Answers when all ranks are loaded: 0, or
/// -errno with a sentence in `why`, and then none of them runs.
[[nodiscard]] int launch_app(const hobbes_app_launch& launch, const char* strings, char* why, size_t why_size);
/// APP_KILL: every process of the application gets `signal`. 0, -ESRCH, -EINVAL.
[[nodiscard]] int kill_app(uint64_t id, int signal);
/// APP_REAP: forgets an application without processes. 0, -ESRCH, -EBUSY.
[[nodiscard]] int reap_app(uint64_t id);
/// APP_LIST: fills at most `limit`, returns how many there are.
[[nodiscard]] uint32_t list_apps(hobbes_app_status* statuses, uint32_t limit);
/// SHUTDOWN: SIGKILLs everything and waits until nothing runs or the deadline passes.
[[nodiscard]] bool end_all_apps(int64_t deadline_ns);

/// Under process_lock: a process of the application, the rank of that number or none of its ranks, has ended with
/// wait4's `status`.
void app_process_ended_locked(App& app, bool is_rank, uint32_t rank, int status);
/// Under process_lock: an application, or null; all of them, also those that have ended and are not forgotten yet.
[[nodiscard]] App* find_app(uint64_t id);
[[nodiscard]] List<App>& all_apps();

}  // namespace hobbes::lwk
