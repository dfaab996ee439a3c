// SPDX-License-Identifier: Apache-2.0
// What other CPUs must have done before this one goes on: forgotten translations, or passed a memory barrier.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::x86 {

struct Cpu;
struct Space;

/// The range of `space` is forgotten on all CPUs that run one of its threads. Interrupts are on, no spin lock is held.
void flush_translations(const Space& space, uint64_t address, uint64_t size);
/// All of the kernel's own, on all CPUs.
void flush_kernel_translations();
/// Full memory barriers on all CPUs that run a thread of `space`; null: on all.
void barrier_on_cpus(const Space* space);

/// A CPU that stops: nobody asks until the word that is returned is 0 again. Interrupts are off.
[[nodiscard]] uint32_t& leave_flushes(Cpu& cpu);

/// The interrupt that asks for it.
void answer_flush();

}  // namespace hobbes::lwk::x86
