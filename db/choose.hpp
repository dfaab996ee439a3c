// SPDX-License-Identifier: Apache-2.0
// Choosing FREE resources for an operation. Nothing is changed: reserve what was chosen in the same write transaction
// (operations.hpp). Refusals are Code::exhausted (too few: how many were asked for, how many are free), Code::busy (a
// named one is not free), Code::not_found (a named one does not exist), Code::invalid (none asked for).
#pragma once

#include <vector>

#include "db/read_txn.hpp"

namespace hobbes::db {

/// `count` CPUs, of one NUMA node if `numa` says which, else of one node where one has enough. Distinct cores before
/// hyperthreads, CPUs nobody else shares before slots of shared ones, neighbours before strangers.
[[nodiscard]] Result<std::vector<Cpu>> choose_cpus(const ReadTxn& txn, std::size_t count, NumaId numa = any_numa);

/// Exactly these CPUs, a free slot of each.
[[nodiscard]] Result<std::vector<Cpu>> choose_cpus(const ReadTxn& txn, const std::vector<CpuId>& ids);

/// `count` memory blocks, by address. `contiguous`: each begins where the one before ends, in the smallest hole that is
/// large enough (best fit). Otherwise from one NUMA node where one has enough, smallest holes first, so that large ones
/// last.
[[nodiscard]] Result<std::vector<MemoryBlock>> choose_blocks(const ReadTxn& txn, std::size_t count,
                                                             NumaId numa = any_numa, bool contiguous = false);

/// The `count` adjacent blocks from `base` on.
[[nodiscard]] Result<std::vector<MemoryBlock>> choose_blocks_at(const ReadTxn& txn, PhysAddr base, std::size_t count);

/// How many blocks hold `size`: rounded up.
[[nodiscard]] std::size_t blocks_for(Bytes size, Bytes block_size);

}  // namespace hobbes::db
