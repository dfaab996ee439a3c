// SPDX-License-Identifier: Apache-2.0
// Cpu, MemoryBlock and PciDevice: what the node has to give. FREE and INVALID ones have no owner; RESERVED ones name
// their operation and the enclave it concerns; ALLOCATED ones their enclave.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "db/enums.hpp"
#include "db/keys.hpp"
#include "db/table.hpp"

namespace hobbes::db {

inline constexpr std::int32_t no_logical_id = -1;

struct Cpu {
  using Key = CpuKey;
  using View = Cpu;
  static constexpr Table table = Table::cpus;
  static constexpr std::string_view kind = "CPU";

  CpuId id;
  std::uint32_t slot = 0;
  std::uint32_t apic_id = 0;
  NumaId numa;
  std::uint32_t package = 0;
  std::uint32_t core = 0;          ///< of its package; hyperthreads share it
  ResourceState state = ResourceState::free;
  std::optional<EnclaveId> owner;
  OperationId operation;           ///< while RESERVED
  std::int32_t logical_id = no_logical_id;  ///< its number in its enclave

  [[nodiscard]] Key key() const { return {id, slot}; }
  friend bool operator==(const Cpu&, const Cpu&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("id", self.id);
    visit("slot", self.slot);
    visit("apic_id", self.apic_id);
    visit("numa", self.numa);
    visit("package", self.package);
    visit("core", self.core);
    visit("state", self.state);
    visit("owner", self.owner);
    visit("operation", self.operation);
    visit("logical_id", self.logical_id);
  }
  template <typename V>
  void indexes(V& index) const {
    index.by(Index::state, state);
    if (owner) index.by(Index::owner, *owner);
  }
};

struct MemoryBlock {
  using Key = PhysAddr;
  using View = MemoryBlock;
  static constexpr Table table = Table::memory;
  static constexpr std::string_view kind = "memory block";

  PhysAddr base;
  Bytes size;
  NumaId numa;
  ResourceState state = ResourceState::free;
  std::optional<EnclaveId> owner;
  std::optional<AppId> app;
  OperationId operation;           ///< while RESERVED
  std::string backing = "unprepared";  ///< what its pages really are: "2M huge", "4K pages"

  [[nodiscard]] Key key() const { return base; }
  friend bool operator==(const MemoryBlock&, const MemoryBlock&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("base", self.base);
    visit("size", self.size);
    visit("numa", self.numa);
    visit("state", self.state);
    visit("owner", self.owner);
    visit("app", self.app);
    visit("operation", self.operation);
    visit("backing", self.backing);
  }
  template <typename V>
  void indexes(V& index) const {
    index.by(Index::state, state);
    if (owner) index.by(Index::owner, *owner);
    if (app) index.by(Index::app, *app);
  }
};

struct PciDevice {
  using Key = PciAddress;
  using View = PciDevice;
  static constexpr Table table = Table::devices;
  static constexpr std::string_view kind = "PCI device";

  PciAddress address;
  std::uint16_t vendor_id = 0;
  std::uint16_t device_id = 0;
  std::uint32_t class_code = 0;
  std::string vendor_name;
  std::string device_name;
  std::string driver;              ///< of Linux; empty: unbound
  std::int32_t iommu_group = -1;   ///< -1: none
  NumaId numa;
  ResourceState state = ResourceState::free;
  std::optional<EnclaveId> owner;
  OperationId operation;           ///< while RESERVED
  std::string name;                ///< given by the operator; unique; may be empty

  [[nodiscard]] Key key() const { return address; }
  friend bool operator==(const PciDevice&, const PciDevice&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("address", self.address);
    visit("vendor_id", self.vendor_id);
    visit("device_id", self.device_id);
    visit("class_code", self.class_code);
    visit("vendor_name", self.vendor_name);
    visit("device_name", self.device_name);
    visit("driver", self.driver);
    visit("iommu_group", self.iommu_group);
    visit("numa", self.numa);
    visit("state", self.state);
    visit("owner", self.owner);
    visit("operation", self.operation);
    visit("name", self.name);
  }
  template <typename V>
  void indexes(V& index) const {
    index.name(name);
    index.by(Index::state, state);
    if (owner) index.by(Index::owner, *owner);
  }
};

}  // namespace hobbes::db
