// SPDX-License-Identifier: Apache-2.0
// The listings: each one read transaction over the database, whether leviathan runs or not.
#include <map>

#include "db/check.hpp"
#include "leviathan/client/link.hpp"

namespace hobbes::client {
namespace {

/// What every listing carries besides its rows.
template <typename Row>
Result<Listing<Row>> begin_listing(const db::ReadTxn& txn, bool live) {
  const db::Meta meta = TRY(txn.meta());
  Listing<Row> listing;
  listing.live = live;
  listing.numa_nodes = meta.numa_nodes;
  listing.block_size = meta.block_size;
  return listing;
}

struct Holdings {
  std::uint64_t cpus = 0;
  Bytes memory;
};

/// What each enclave has ALLOCATED.
Result<std::map<EnclaveId, Holdings>> count_holdings(const db::ReadTxn& txn) {
  std::map<EnclaveId, Holdings> holdings;
  for (const db::Cpu& cpu : TRY(txn.list_by_state<db::Cpu>(db::ResourceState::allocated))) {
    if (cpu.owner) ++holdings[*cpu.owner].cpus;
  }
  for (const db::MemoryBlock& block : TRY(txn.list_by_state<db::MemoryBlock>(db::ResourceState::allocated))) {
    if (block.owner) holdings[*block.owner].memory = holdings[*block.owner].memory + block.size;
  }
  return holdings;
}

EnclaveRow row_of(db::Enclave enclave, const Holdings& holdings) {
  EnclaveRow row;
  row.id = enclave.id;
  row.name = std::move(enclave.name);
  row.type = to_string(enclave.type);
  row.state = to_string(enclave.state);
  row.bridge = std::move(enclave.bridge);
  row.reason = std::move(enclave.reason);
  if (enclave.id != master_enclave) row.parent = enclave.parent;
  row.cpus = holdings.cpus;
  row.memory = holdings.memory;
  return row;
}

AppRow row_of(db::App app, const std::map<EnclaveId, std::string>& enclave_names) {
  AppRow row;
  row.id = app.id;
  row.hio_id = app.hio_id;
  row.enclave = app.enclave;
  const auto enclave = enclave_names.find(app.enclave);
  if (enclave != enclave_names.end()) row.enclave_name = enclave->second;
  row.name = std::move(app.name);
  row.state = to_string(app.state);
  if (app.ended.value == 0) return row;
  if (app.signal != 0) {
    row.signal = app.signal;
  } else {
    row.exit_code = app.exit_code;
  }
  return row;
}

}  // namespace

Result<Listing<EnclaveRow>> Client::enclaves() {
  const bool live = impl_->live();
  const auto txn = TRY(TRY(impl_->database())->read());
  auto listing = TRY(begin_listing<EnclaveRow>(txn, live));
  const auto holdings = TRY(count_holdings(txn));
  for (db::Enclave& enclave : TRY(txn.list<db::Enclave>())) {
    const auto found = holdings.find(enclave.id);
    listing.rows.push_back(row_of(std::move(enclave), found == holdings.end() ? Holdings{} : found->second));
  }
  return listing;
}

Result<Listing<AppRow>> Client::apps() {
  const bool live = impl_->live();
  const auto txn = TRY(TRY(impl_->database())->read());
  auto listing = TRY(begin_listing<AppRow>(txn, live));
  std::map<EnclaveId, std::string> names;
  for (db::Enclave& enclave : TRY(txn.list<db::Enclave>())) names.emplace(enclave.id, std::move(enclave.name));
  for (db::App& app : TRY(txn.list<db::App>())) listing.rows.push_back(row_of(std::move(app), names));
  return listing;
}

Result<Listing<SegmentRow>> Client::segments() {
  const bool live = impl_->live();
  const auto txn = TRY(TRY(impl_->database())->read());
  auto listing = TRY(begin_listing<SegmentRow>(txn, live));
  std::map<SegmentId, std::uint64_t> attachments;
  for (const db::Attachment& attachment : TRY(txn.list<db::Attachment>())) ++attachments[attachment.segment];
  for (db::Segment& segment : TRY(txn.list<db::Segment>())) {
    listing.rows.push_back({.id = segment.id,
                            .name = std::move(segment.name),
                            .enclave = segment.enclave,
                            .app = segment.app,
                            .size = segment.size,
                            .mode = segment.mode,
                            .uid = segment.owner_uid,
                            .gid = segment.owner_gid,
                            .attachments = attachments[segment.id],
                            .signalled = segment.signalled,
                            .removed = segment.removed});
  }
  return listing;
}

Result<Listing<MemoryRow>> Client::memory() {
  const bool live = impl_->live();
  const auto txn = TRY(TRY(impl_->database())->read());
  auto listing = TRY(begin_listing<MemoryRow>(txn, live));
  for (db::MemoryBlock& block : TRY(txn.list<db::MemoryBlock>())) {
    MemoryRow row;
    row.index = listing.rows.size();
    row.base = block.base.value;
    row.size = block.size;
    row.state = to_string(block.state);
    row.backing = std::move(block.backing);
    row.numa = block.numa;
    row.enclave = block.owner;
    row.app = block.app;
    listing.rows.push_back(std::move(row));
  }
  return listing;
}

Result<Listing<CpuRow>> Client::cpus() {
  const bool live = impl_->live();
  const auto txn = TRY(TRY(impl_->database())->read());
  auto listing = TRY(begin_listing<CpuRow>(txn, live));
  for (const db::Cpu& cpu : TRY(txn.list<db::Cpu>())) {
    CpuRow row;
    row.id = cpu.id;
    row.slot = cpu.slot;
    row.apic_id = cpu.apic_id;
    row.package = static_cast<std::int32_t>(cpu.package);
    row.core = static_cast<std::int32_t>(cpu.core);
    row.state = to_string(cpu.state);
    row.numa = cpu.numa;
    row.enclave = cpu.owner;
    row.logical_id = cpu.logical_id;
    listing.rows.push_back(std::move(row));
  }
  return listing;
}

Result<Listing<PciRow>> Client::pci_devices() {
  const bool live = impl_->live();
  const auto txn = TRY(TRY(impl_->database())->read());
  auto listing = TRY(begin_listing<PciRow>(txn, live));
  for (db::PciDevice& device : TRY(txn.list<db::PciDevice>())) {
    PciRow row;
    row.address = to_string(device.address);
    row.device = device.vendor_name + (device.vendor_name.empty() || device.device_name.empty() ? "" : " ") +
                 device.device_name;
    row.driver = std::move(device.driver);
    row.state = to_string(device.state);
    row.name = std::move(device.name);
    row.iommu_group = device.iommu_group;
    row.enclave = device.owner;
    listing.rows.push_back(std::move(row));
  }
  return listing;
}

Result<std::vector<std::string>> Client::check_db() { return db::check(TRY(TRY(impl_->database())->read())); }

}  // namespace hobbes::client
