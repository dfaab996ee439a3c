// SPDX-License-Identifier: Apache-2.0
// The enclave's PCI devices.
#pragma once

#include "kernel-bridge/abi/commands.h"

namespace hobbes::lwk::pci {

/// Maps the device's registers and starts its driver; returns when that works. 0, -EINVAL, -EEXIST (the name or the place is
/// taken), -ENOSYS (no driver for such), -ENOMEM, or what its driver says. Control task only, as the next.
[[nodiscard]] int add_device(const hobbes_pci_command& command);
/// Its driver brings it to rest and ends; its registers are unmapped. 0, -ENOENT.
[[nodiscard]] int remove_device(const hobbes_pci_ref& device);

}  // namespace hobbes::lwk::pci
