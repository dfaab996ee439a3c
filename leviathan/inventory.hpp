// SPDX-License-Identifier: Apache-2.0
// Inventory: what hardware this node has, as Linux shows it.
#pragma once

#include <vector>

#include "db/records.hpp"

namespace hobbes::leviathan {

/// The CPUs Linux can use, with package, core, NUMA node and APIC id; slot 0, FREE, without owner.
[[nodiscard]] Result<std::vector<db::Cpu>> find_cpus();
/// The numbers of all CPUs in the machine, also of those that are offline; empty where Linux does not tell.
[[nodiscard]] std::vector<CpuId> present_cpus();
[[nodiscard]] std::uint32_t count_numa_nodes(const std::vector<db::Cpu>& cpus);

/// The PCI functions Linux sees, with names, driver and IOMMU group; state and owner are the caller's. Empty where there
/// is no PCI.
[[nodiscard]] std::vector<db::PciDevice> find_pci_devices();

/// What drives a device in Linux now; empty: nothing, or there is no such device.
[[nodiscard]] std::string driver_of(const db::PciAddress& device);

/// What Linux could give away without swapping (MemAvailable).
[[nodiscard]] Result<Bytes> available_memory();

}  // namespace hobbes::leviathan
