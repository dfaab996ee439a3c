// SPDX-License-Identifier: Apache-2.0
// The enclave's CPUs, by logical number: the order in which they came.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

inline constexpr uint32_t max_cpus = HOBBES_BOOT_MAX_CPUS;

void start_cpus();
/// The logical number, -ENOSPC, or what the port says (-ETIMEDOUT: it has not come). Threads that may run there do so
/// from now on.
[[nodiscard]] int add_cpu(const hobbes_boot_cpu& cpu);
/// 0, -ENOENT, -EBUSY (the last one, or one the port cannot spare). Threads pinned to it alone move to the rest.
[[nodiscard]] int remove_cpu(uint32_t cpu_id);
[[nodiscard]] uint32_t cpu_count();
/// Linux's number of a logical CPU; -1: there is none.
[[nodiscard]] int machine_cpu(uint32_t logical);

/// Where the thread may run: what it asked for, as far as the enclave has it.
void allowed_cpus(const Thread& thread, uint64_t mask[4]);
/// Whether the enclave has all the CPUs in `mask`.
[[nodiscard]] bool has_cpus(const uint64_t mask[4]);
/// Where the part-th of `parts` equal parts of an application is to run: its share of the CPUs in `wanted` (none: of all
/// the enclave has), which is all of them where there are fewer than parts.
void share_of_cpus(const uint64_t wanted[4], uint32_t part, uint32_t parts, uint64_t share[4]);
/// Under process_lock: makes the port keep the thread where it may run. Each does it for itself when it starts.
void place_thread(Thread& thread);
/// Under process_lock: 0 or -EINVAL (none of these is ours).
[[nodiscard]] int pin_thread(Thread& thread, const uint64_t mask[4]);
void where_is(Thread& self, uint32_t& cpu, uint32_t& node);

}  // namespace hobbes::lwk
