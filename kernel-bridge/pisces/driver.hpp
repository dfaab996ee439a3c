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

namespace hobbes::bridge {

/// What the driver says of an enclave.
struct EnclaveState {
  EnclaveId id;
  pisces_state state = PISCES_CREATED;
  std::uint64_t boot_block = 0;  ///< 0: it never booted
  std::vector<CpuId> cpus;
  std::vector<pisces_block> blocks;
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
  /// A descriptor to map, offset 0 is `base`.
  [[nodiscard]] Result<UniqueFd> open_block(std::uint64_t base, Bytes size) const;
  [[nodiscard]] Result<UniqueFd> open_bell(pisces_bell kind) const;

 private:
  UniqueFd fd_;
};

class Driver {
 public:
  /// Code::unsupported: the module is not loaded, or of another version; denied: the caller may not.
  [[nodiscard]] static Result<Driver> open();

  /// Linux's memory block size, which enclave memory comes in.
  [[nodiscard]] Bytes block_size() const { return block_size_; }
  [[nodiscard]] Result<EnclaveDevice> create(EnclaveId id) const;
  /// Code::not_found: there is none of that id.
  [[nodiscard]] Result<EnclaveDevice> find(EnclaveId id) const;
  /// The CPUs of all enclaves.
  [[nodiscard]] Result<std::vector<CpuId>> held_cpus() const;

 private:
  Driver(UniqueFd fd, Bytes block_size) : fd_(std::move(fd)), block_size_(block_size) {}

  UniqueFd fd_;
  Bytes block_size_;
};

}  // namespace hobbes::bridge
