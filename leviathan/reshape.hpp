// SPDX-License-Identifier: Apache-2.0
// Reshape: a node that another leviathan managed is given other options: its pool grows or shrinks, its CPUs are shared
// out anew, as far as nobody uses what has to change hands.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "db/environment.hpp"
#include "leviathan/populate.hpp"

namespace hobbes::leviathan {

/// Where memory blocks are Linux's own (Bridge::takes_from_linux): how more of it is had, and how it goes back.
struct LinuxMemorySource {
  std::function<Result<std::vector<bridge::MemoryBlock>>(Bytes amount)> take;
  std::function<Status(std::uint64_t base)> give_back;
};

struct Wishes {
  std::optional<Bytes> memory;      ///< for enclaves, rounded up to blocks; absent: as it is
  Bytes available;                  ///< what Linux could give for it
  std::optional<LinuxMemorySource> source;  ///< absent: blocks are made, at any address
  std::optional<Bytes> block_size;  ///< of all blocks: cannot change any more
  std::optional<CpuPolicy> cpus;    ///< absent: as they are
  std::vector<db::Cpu> cpus_found;  ///< those Linux can use now
};

/// In the database, before recover(), which gets the blocks it finds there from the bridge. CPUs that Linux cannot use
/// any more become INVALID, those that are back are free. All or nothing: what an enclave holds, or an operation that is
/// under way, is not touched: Code::busy says who is in the way.
[[nodiscard]] Status reshape(db::Environment& environment, const Wishes& wishes);

/// Records of CPUs that are in the machine and that Linux cannot use (offline): those of `present` not among `found`.
[[nodiscard]] std::vector<db::Cpu> offline_cpus(const std::vector<db::Cpu>& found, const std::vector<CpuId>& present);

}  // namespace hobbes::leviathan
