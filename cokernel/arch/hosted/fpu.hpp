// SPDX-License-Identifier: Apache-2.0
// Floating-point state. Kernel code never touches it (-mgeneral-regs-only), so between entry and exit it is the user's.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::hosted {

/// What CPUID says of hwcap() and of the state's layout: before the first application.
void learn_cpu();
/// The state components that are kept: all that Linux has enabled but AMX, which needs Linux's permission.
[[nodiscard]] uint64_t fpu_features();

}  // namespace hobbes::lwk::hosted
