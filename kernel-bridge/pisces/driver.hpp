// SPDX-License-Identifier: Apache-2.0
// Driver, EnclaveDevice: the calls of pisces.ko (abi/pisces.h) with errors that say what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "base/units.hpp"
#include "kernel-bridge/abi/pisces.h"
#include "kernel-bridge/bridge.hpp"

namespace hobbes::bridge {

/// What the driver says of an enclave.
struct EnclaveState {
  EnclaveId id;
  pisces_state state = PISCES_CREATED;
  std::uint64_t boot_block = 0;  ///< 0: it never booted
  std::vector<CpuId> cpus;
  std::vector<pisces_block> blocks;
  std::vector<pisces_pci_address> devices;
};

/// /dev/pisces-enclave<N>. Closing it does nothing to the enclave. Code::unavailable from any call: it was destroyed.
class EnclaveDevice {
 public:
  explicit EnclaveDevice(UniqueFd fd) : fd_(std::move(fd)) {}

  [[nodiscard]] Result<EnclaveState> state() const;
  [[nodiscard]] Status add_block(std::uint64_t base, Bytes size) const;
  [[nodiscard]] Status remove_block(std::uint64_t base, Bytes size) const;
  /// Returns its APIC id.
  [[nodiscard]] Result<std::uint32_t> add_cpu(CpuId cpu) const;
  [[nodiscard]] Status remove_cpu(CpuId cpu) const;
  [[nodiscard]] Status boot(std::uint64_t boot_block) const;
  [[nodiscard]] Status stop() const;
  [[nodiscard]] Status destroy() const;
  [[nodiscard]] Status ring() const;
  /// It is the PCI driver's already. unsupported: no interrupt of it can reach the enclave.
  [[nodiscard]] Result<pisces_device> add_device(const PciDevice& device) const;
  [[nodiscard]] Status remove_device(const PciDevice& device) const;
  /// A descriptor to map, offset 0 is `base`.
  [[nodiscard]] Result<UniqueFd> open_block(std::uint64_t base, Bytes size) const;
  [[nodiscard]] Result<UniqueFd> open_bell(pisces_bell kind) const;

 private:
  UniqueFd fd_;
};

/// As Linux names it: "0000:00:1f.2".
[[nodiscard]] std::string name_of(const pisces_pci_address& address);

class Driver {
 public:
  /// Code::unsupported: the module is not loaded, or of another version; denied: the caller may not.
  [[nodiscard]] static Result<Driver> open();

  /// Linux's memory block size, which enclave memory comes in.
  [[nodiscard]] Bytes block_size() const { return block_size_; }
  [[nodiscard]] Result<EnclaveDevice> create(EnclaveId id) const;
  /// Code::not_found: there is none of that id.
  [[nodiscard]] Result<EnclaveDevice> find(EnclaveId id) const;
  /// All enclaves.
  [[nodiscard]] Result<std::vector<EnclaveState>> states() const;

 private:
  Driver(UniqueFd fd, Bytes block_size) : fd_(std::move(fd)), block_size_(block_size) {}

  UniqueFd fd_;
  Bytes block_size_;
};

}  // namespace hobbes::bridge
