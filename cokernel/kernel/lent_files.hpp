// SPDX-License-Identifier: Apache-2.0
// Files of the host that are mapped where they are: the host has lent them to the enclave. Their pages are no memory of the
// enclave, so the kernel reaches them only as programs do, through a mapping. They have numbers beyond all physical
// addresses, which stand in the extents of regions and for the words of futexes: the same for all who map the same file.
#pragma once

#include "cokernel/kernel/region.hpp"

namespace hobbes::lwk {

inline constexpr PhysAddr first_lent = 1ull << 62;
inline constexpr uint64_t lent_numbers = 1ull << 52;

[[nodiscard]] constexpr bool is_lent(PhysAddr at) { return at - first_lent < lent_numbers; }

/// Part of a lent file, to be mapped; `may_write`: and written. 0, or -errno: -ENOENT, it has not been lent for that.
[[nodiscard]] int share_lent(const FileIdentity& identity, uint64_t offset, uint64_t size, bool may_write,
                             SharedMemory*& memory);
/// The same with a file that the port has just taken in, which belongs to the list from now on, whatever comes of it.
[[nodiscard]] int share_new_lent(const FileIdentity& identity, int file, uint64_t offset, uint64_t size, bool may_write,
                                 SharedMemory*& memory);
/// Changes the running process' page tables: memory, or part of a lent file. 0 or -errno. Takes no lock.
[[nodiscard]] int map_extent(UserAddr address, PhysAddr at, uint64_t size, uint32_t protection);

}  // namespace hobbes::lwk
