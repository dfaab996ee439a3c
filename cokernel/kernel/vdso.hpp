// SPDX-License-Identifier: Apache-2.0
// The vDSO (vdso/): two pages of every program, one with the node's clock, one with code that reads it.
#pragma once

#include "cokernel/kernel/address_space.hpp"

namespace hobbes::lwk {

/// Maps both, read-only, near the end of the program's addresses. The address of the ELF header (AT_SYSINFO_EHDR), or -errno.
[[nodiscard]] Sysret map_vdso(AddressSpace& space);

}  // namespace hobbes::lwk
