// SPDX-License-Identifier: Apache-2.0
// Inventory: CPUs, from hwloc; their APIC ids, which hwloc does not tell, from /proc/cpuinfo.
#include <hwloc.h>

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/parse.hpp"
#include "leviathan/inventory.hpp"

namespace hobbes::leviathan {
namespace {

struct DestroyTopology {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using Topology = std::unique_ptr<hwloc_topology, DestroyTopology>;

Result<Topology> load_topology() {
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return last_errno("topology");
  Topology owned(topology);
  if (hwloc_topology_load(topology) != 0) return last_errno("topology");
  return owned;
}

/// The value of "name : value", if the line is that name's.
std::optional<std::uint32_t> field(const std::string& line, std::string_view name) {
  const auto colon = line.find(':');
  if (colon == std::string::npos || line.compare(0, name.size(), name) != 0) return std::nullopt;
  if (line.find_first_not_of(" \t", name.size()) != colon) return std::nullopt;
  const auto value = line.find_first_not_of(' ', colon + 1);
  if (value == std::string::npos) return std::nullopt;
  const auto number = parse_u64(std::string_view(line).substr(value), name, 0, UINT32_MAX);
  return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

std::map<CpuId, std::uint32_t> apic_ids() {
  std::map<CpuId, std::uint32_t> ids;
  std::ifstream cpuinfo("/proc/cpuinfo");
  CpuId cpu;
  for (std::string line; std::getline(cpuinfo, line);) {
    if (const auto number = field(line, "processor")) cpu = CpuId(*number);
    if (const auto number = field(line, "apicid")) ids[cpu] = *number;
  }
  return ids;
}

std::uint32_t index_above(hwloc_topology_t topology, hwloc_obj_t pu, hwloc_obj_type_t type) {
  const hwloc_obj_t above = hwloc_get_ancestor_obj_by_type(topology, type, pu);
  return above == nullptr ? 0 : above->os_index;
}

NumaId numa_of(hwloc_obj_t pu) {
  const int first = pu->nodeset == nullptr ? -1 : hwloc_bitmap_first(pu->nodeset);
  return NumaId(first);
}

}  // namespace

Result<std::vector<db::Cpu>> find_cpus() {
  const auto topology = TRY(load_topology());
  const auto apics = apic_ids();
  std::vector<db::Cpu> cpus;
  hwloc_obj_t pu = nullptr;
  while ((pu = hwloc_get_next_obj_by_type(topology.get(), HWLOC_OBJ_PU, pu)) != nullptr) {
    db::Cpu cpu;
    cpu.id = CpuId(pu->os_index);
    const auto apic = apics.find(cpu.id);
    cpu.apic_id = apic == apics.end() ? cpu.id.value : apic->second;
    cpu.package = index_above(topology.get(), pu, HWLOC_OBJ_PACKAGE);
    cpu.core = index_above(topology.get(), pu, HWLOC_OBJ_CORE);
    cpu.numa = numa_of(pu);
    cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<CpuId> present_cpus() {
  std::ifstream file("/sys/devices/system/cpu/present");
  std::string list;
  std::getline(file, list);
  return parse_cpu_list(list, "CPUs in the machine").value_or(std::vector<CpuId>());
}

std::uint32_t count_numa_nodes(const std::vector<db::Cpu>& cpus) {
  std::set<NumaId> nodes;
  for (const db::Cpu& cpu : cpus) nodes.insert(cpu.numa);
  return static_cast<std::uint32_t>(nodes.size());
}

Result<Bytes> available_memory() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    constexpr std::string_view name = "MemAvailable:";
    if (!line.starts_with(name)) continue;
    std::string_view value(line);
    value.remove_prefix(std::min(line.find_first_not_of(' ', name.size()), line.size()));
    value = value.substr(0, value.find(' '));
    return kib(TRY(parse_u64(value, "/proc/meminfo: MemAvailable")));
  }
  return Error(Code::unsupported, "/proc/meminfo: does not say how much memory is available");
}

}  // namespace hobbes::leviathan
