// SPDX-License-Identifier: Apache-2.0
// A virtio network card that answers ARP and ICMP echo requests for the address which the kernel's command line gives
// it: net.<name of the device>=10.9.0.2
#pragma once

#include "cokernel/kernel/pci/device.hpp"

namespace hobbes::lwk::pci {

[[nodiscard]] int run_virtio_net(PciDevice& device);

}  // namespace hobbes::lwk::pci
