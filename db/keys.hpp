// SPDX-License-Identifier: Apache-2.0
// Keys: what identifies a record in its table, beyond the ids of base/units.hpp.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/units.hpp"

namespace hobbes::db {

using QueueId = Strong<struct QueueIdTag, std::uint64_t>;
using AttachmentId = Strong<struct AttachmentIdTag, std::uint64_t>;
using OperationId = Strong<struct OperationIdTag, std::uint64_t>;  ///< 0: none
using WatcherId = Strong<struct WatcherIdTag, std::uint64_t>;
using Sequence = Strong<struct SequenceTag, std::uint64_t>;        ///< of an event; the first is 1
using PhysAddr = Strong<struct PhysAddrTag, std::uint64_t>;        ///< of the node; an offset in the pool when hosted

/// Nanoseconds since 1970 (CLOCK_REALTIME); 0: never.
using Timestamp = Strong<struct TimestampTag, std::int64_t>;
[[nodiscard]] Timestamp now();

/// One schedulable CPU. Without overcommitment every CPU has slot 0 only; with `--overcommit-cpus N` slots 0..N-1
/// are records of their own, so that each still has exactly one owner.
struct CpuKey {
  CpuId id;
  std::uint32_t slot = 0;

  friend auto operator<=>(const CpuKey&, const CpuKey&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("id", self.id);
    visit("slot", self.slot);
  }
};

/// Where a PCI function sits.
struct PciAddress {
  std::uint32_t domain = 0;
  std::uint8_t bus = 0;
  std::uint8_t device = 0;
  std::uint8_t function = 0;

  friend auto operator<=>(const PciAddress&, const PciAddress&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("domain", self.domain);
    visit("bus", self.bus);
    visit("device", self.device);
    visit("function", self.function);
  }
};

/// For sentences: "CPU 3" or "CPU 3 slot 1", "memory block 0x8000000", "PCI device 0000:00:1f.2".
[[nodiscard]] std::string describe(const CpuKey& key);
[[nodiscard]] std::string describe(PhysAddr base);
[[nodiscard]] std::string describe(const PciAddress& address);

/// "0000:00:1f.2"
[[nodiscard]] std::string to_string(const PciAddress& address);
/// That, or without the domain: "00:1f.2". Hexadecimal, as Linux and lspci write them.
[[nodiscard]] Result<PciAddress> parse_pci_address(std::string_view text);

/// A PMI value: a job's key-value spaces never mix with another job's.
struct PmiKey {
  AppId app;
  std::string space;
  std::string key;

  friend auto operator<=>(const PmiKey&, const PmiKey&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("app", self.app);
    visit("space", self.space);
    visit("key", self.key);
  }
};

}  // namespace hobbes::db
