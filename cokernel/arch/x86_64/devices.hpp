// SPDX-License-Identifier: Apache-2.0
// Interrupts of PCI devices, which all come to the boot CPU.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::x86 {

/// With interrupts off.
void take_device_interrupt(uint32_t place);

}  // namespace hobbes::lwk::x86
