// SPDX-License-Identifier: Apache-2.0
// Chooser: what is set aside is INVALID within the transaction, which no choice takes.
#include "leviathan/enclaves/chooser.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace hobbes::leviathan {
namespace {

template <typename Record>
Status put_all(db::WriteTxn& txn, const std::vector<Record>& records, db::ResourceState state) {
  for (Record record : records) {
    record.state = state;
    TRY(txn.put(record));
  }
  return {};
}

}  // namespace

db::Resources Chooser::Chosen::keys() const {
  db::Resources keys;
  for (const db::Cpu& cpu : cpus) keys.cpus.push_back(cpu.key());
  for (const db::MemoryBlock& block : blocks) keys.blocks.push_back(block.key());
  keys.devices = devices;
  return keys;
}

Result<Chooser> Chooser::create(db::WriteTxn& txn, EnclaveId enclave) {
  Chooser chooser(txn);
  for (const db::Cpu& held : TRY(txn.list_by_owner<db::Cpu>(enclave))) TRY(chooser.set_aside_slots_of(held.id));
  return chooser;
}

Status Chooser::cpus(std::size_t count, NumaId numa) {
  auto cpus = TRY(db::choose_cpus(txn_, count, numa));
  // Distinct CPUs come first in a choice: if one is there twice, there are not enough.
  std::set<CpuId> distinct;
  for (const db::Cpu& cpu : cpus) distinct.insert(cpu.id);
  if (distinct.size() < count) {
    return Error(Code::exhausted, std::to_string(count) + " CPUs asked for, " + std::to_string(distinct.size()) +
                                      " free (an enclave has no CPU twice)");
  }
  return keep(std::move(cpus));
}
Status Chooser::cpus(const std::vector<CpuId>& ids) { return keep(TRY(db::choose_cpus(txn_, ids))); }
Status Chooser::blocks(std::size_t count, NumaId numa, bool contiguous) {
  return keep(TRY(db::choose_blocks(txn_, count, numa, contiguous)));
}
Status Chooser::blocks_at(db::PhysAddr base, std::size_t count) {
  return keep(TRY(db::choose_blocks_at(txn_, base, count)));
}

Status Chooser::device(const db::PciAddress& address, std::string_view name) {
  auto device = TRY(txn_.get<db::PciDevice>(address));
  if (!device) return Error(Code::not_found, describe(address) + ": there is none");
  if (TRY(txn_.find<db::PciDevice>(name)))
    return Error(Code::exists, "PCI device '" + std::string(name) + "': there is one of that name");
  const bool linuxs = device->state == db::ResourceState::allocated && device->owner == master_enclave;
  if (device->state != db::ResourceState::free && !linuxs)
    return Error(Code::busy, describe(address) + ": an enclave has it, or is about to");
  device->state = db::ResourceState::free;
  device->owner.reset();
  device->name = name;
  TRY(txn_.put(*device));
  chosen_.devices.push_back(address);
  return {};
}

Status Chooser::keep(std::vector<db::Cpu> cpus) {
  TRY(put_all(txn_, cpus, db::ResourceState::invalid));
  for (const db::Cpu& cpu : cpus) TRY(set_aside_slots_of(cpu.id));
  std::ranges::move(cpus, std::back_inserter(chosen_.cpus));
  return {};
}

Status Chooser::keep(std::vector<db::MemoryBlock> blocks) {
  TRY(put_all(txn_, blocks, db::ResourceState::invalid));
  std::ranges::move(blocks, std::back_inserter(chosen_.blocks));
  return {};
}

Status Chooser::set_aside_slots_of(CpuId cpu) {
  for (const db::Cpu& slot : TRY(txn_.list_by_state<db::Cpu>(db::ResourceState::free))) {
    if (slot.id != cpu) continue;
    TRY(put_all(txn_, std::vector{slot}, db::ResourceState::invalid));
    aside_.push_back(slot);
  }
  return {};
}

Result<Chooser::Chosen> Chooser::take() && {
  TRY(put_all(txn_, chosen_.cpus, db::ResourceState::free));
  TRY(put_all(txn_, chosen_.blocks, db::ResourceState::free));
  TRY(put_all(txn_, aside_, db::ResourceState::free));
  return std::move(chosen_);
}

}  // namespace hobbes::leviathan
