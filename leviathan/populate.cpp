// SPDX-License-Identifier: Apache-2.0
// Filling the database: see the header.
#include "leviathan/populate.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "leviathan/events.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::leviathan {
namespace {

constexpr std::size_t longest_node_name = 256;

bool contains(const std::vector<CpuId>& ids, CpuId id) { return std::ranges::find(ids, id) != ids.end(); }

Result<std::vector<CpuId>> linux_cpus(const std::vector<db::Cpu>& cpus, const CpuPolicy& policy) {
  if (!policy.linux_cpus) return std::vector{cpus.front().id};
  if (policy.linux_cpus->empty()) return Error(Code::invalid, "--cpulist: Linux needs at least one CPU");
  for (const CpuId id : *policy.linux_cpus) {
    if (std::ranges::find(cpus, id, &db::Cpu::id) == cpus.end()) {
      return Error(Code::invalid, "--cpulist: this node has no CPU " + std::to_string(id.value));
    }
  }
  return *policy.linux_cpus;
}

db::Cpu of_linux(db::Cpu cpu) {
  cpu.state = db::ResourceState::allocated;
  cpu.owner = master_enclave;
  cpu.logical_id = static_cast<std::int32_t>(cpu.id.value);
  return cpu;
}

std::string node_name() {
  std::array<char, longest_node_name> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "node";
}

Status put_master(db::WriteTxn& txn) {
  db::Enclave master;
  master.id = master_enclave;
  master.name = protocol::master_name;
  master.type = db::EnclaveType::master;
  master.state = db::EnclaveState::running;
  master.parent = master_enclave;
  master.bridge = "linux";
  master.owner_uid = ::geteuid();
  master.owner_gid = ::getegid();
  master.created = master.changed = db::now();
  return txn.put(master);
}

Status put_meta(db::WriteTxn& txn, const Hardware& hardware) {
  auto meta = TRY(txn.meta());
  meta.node_name = node_name();
  meta.block_size = hardware.block_size;
  meta.cpu_overcommit = hardware.cpu_slots;
  meta.numa_nodes = std::max(1u, hardware.numa_nodes);
  return txn.put_meta(meta);
}

/// Devices that Linux drives are Linux's.
Status put_device(db::WriteTxn& txn, db::PciDevice device) {
  device.state = device.driver.empty() ? db::ResourceState::free : db::ResourceState::allocated;
  if (!device.driver.empty()) device.owner = master_enclave;
  return txn.put(device);
}

}  // namespace

Result<std::vector<db::Cpu>> share_out(std::vector<db::Cpu> cpus, const CpuPolicy& policy) {
  if (cpus.empty()) return Error(Code::unsupported, "topology: Linux shows no CPU");
  const auto kept = TRY(linux_cpus(cpus, policy));
  const bool nothing_left = kept.size() >= cpus.size();
  std::vector<db::Cpu> records;
  for (const db::Cpu& cpu : cpus) {
    const bool linuxs = contains(kept, cpu.id);
    // Whoever overcommits without naming Linux's CPUs has few, and means all of them.
    const bool shared = !linuxs || (policy.overcommit && (nothing_left || !policy.linux_cpus));
    if (linuxs) records.push_back(of_linux(cpu));
    const std::uint32_t first_slot = linuxs ? 1 : 0;
    for (std::uint32_t i = 0; shared && i < policy.slots; ++i) {
      records.push_back(cpu);
      records.back().slot = first_slot + i;
    }
  }
  return records;
}

Result<bool> is_empty(const db::Environment& environment) {
  const auto txn = TRY(environment.read());
  return !TRY(txn.get<db::Enclave>(master_enclave)).has_value();
}

Status put_block(db::WriteTxn& txn, const bridge::MemoryBlock& block) {
  db::MemoryBlock record;
  record.base = db::PhysAddr(block.base);
  record.size = block.size;
  record.numa = block.numa;
  if (!block.backing.empty()) record.backing = block.backing;
  return txn.put(record);
}

Status populate(db::Environment& environment, const Hardware& hardware) {
  auto txn = TRY(environment.write());
  TRY(put_meta(txn, hardware));
  TRY(put_master(txn));
  for (const db::Cpu& cpu : hardware.cpus) TRY(txn.put(cpu));
  for (const bridge::MemoryBlock& block : hardware.blocks) TRY(put_block(txn, block));
  for (const db::PciDevice& device : hardware.devices) TRY(put_device(txn, device));
  TRY(note(txn, master_enclave, db::EventKind::created, protocol::master_name));
  return std::move(txn).commit();
}

}  // namespace hobbes::leviathan
