// SPDX-License-Identifier: Apache-2.0
// Floating-point state. Kernel code never touches it (-mgeneral-regs-only), so between entry and exit it is the user's.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::arch {

/// AMX's tiles: not kept. Under Linux they need its permission, and 8 KiB a thread are not worth their price.
inline constexpr uint64_t amx_features = 3ull << 17;

/// What CPUID says of hwcap() and of the state's layout: before the first application, when XCR0 is as it stays.
void learn_cpu();
/// The state components that are kept: all that are enabled but AMX.
[[nodiscard]] uint64_t fpu_features();
/// Bytes of an XSAVE area, a multiple of 64, in the standard format.
[[nodiscard]] size_t fpu_area_size();
/// The state a program starts with.
[[nodiscard]] const void* initial_fpu_state();

}  // namespace hobbes::lwk::arch
