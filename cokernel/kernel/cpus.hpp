// SPDX-License-Identifier: Apache-2.0
// The enclave's CPUs, by logical number: the order in which they came.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

inline constexpr uint32_t max_cpus = HOBBES_BOOT_MAX_CPUS;

void start_cpus();
/// The logical number, or -ENOSPC.
[[nodiscard]] int add_cpu(const hobbes_boot_cpu& cpu);
/// 0, -ENOENT, -EBUSY (the last one). Threads pinned to it alone move to the rest.
[[nodiscard]] int remove_cpu(uint32_t cpu_id);
[[nodiscard]] uint32_t cpu_count();
/// Linux's number of a logical CPU; -1: there is none.
[[nodiscard]] int machine_cpu(uint32_t logical);

/// Where the thread may run: what it asked for, as far as the enclave has it.
void allowed_cpus(const Thread& thread, uint64_t mask[4]);
/// Under process_lock: 0 or -EINVAL (none of these is ours).
[[nodiscard]] int pin_thread(Thread& thread, const uint64_t mask[4]);
void where_is(Thread& self, uint32_t& cpu, uint32_t& node);

}  // namespace hobbes::lwk
