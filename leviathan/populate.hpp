// SPDX-License-Identifier: Apache-2.0
// Filling the database of a node that leviathan manages for the first time since it booted.
#pragma once

#include <optional>
#include <vector>

#include "db/environment.hpp"
#include "kernel-bridge/bridge.hpp"

namespace hobbes::leviathan {

/// How CPUs are shared out.
struct CpuPolicy {
  std::optional<std::vector<CpuId>> linux_cpus;  ///< absent: CPU 0 if there are others
  std::uint32_t slots = 1;                       ///< how many enclaves may have one CPU
  bool overcommit = false;                       ///< enclaves share Linux's CPUs too, unless those were named and others are left
};

/// The records of the node's CPUs: Linux's ALLOCATED to the master, the others FREE in `slots` slots. invalid: Linux's
/// list names a CPU that is not there, or none.
[[nodiscard]] Result<std::vector<db::Cpu>> share_out(std::vector<db::Cpu> cpus, const CpuPolicy& policy);

struct Hardware {
  std::vector<db::Cpu> cpus;  ///< from share_out()
  std::vector<bridge::MemoryBlock> blocks;
  std::vector<db::PciDevice> devices;
  Bytes block_size;
  std::uint32_t cpu_slots = 1;
  std::uint32_t numa_nodes = 1;
};

/// Whether the database has no node yet.
[[nodiscard]] Result<bool> is_empty(const db::Environment& environment);

/// A block for enclaves, FREE.
[[nodiscard]] Status put_block(db::WriteTxn& txn, const bridge::MemoryBlock& block);

/// Writes the master enclave and all hardware, in one transaction.
[[nodiscard]] Status populate(db::Environment& environment, const Hardware& hardware);

}  // namespace hobbes::leviathan
