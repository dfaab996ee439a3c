// SPDX-License-Identifier: Apache-2.0
// ContractRig: what a contract test needs of the bridge under test: itself, memory, specs, a way to kill an enclave.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kernel-bridge/bridge.hpp"
#include "base/test_dir.hpp"

namespace hobbes::bridge {

/// A bridge's own part of the rig. A new bridge is tested by one more of these in contract_rig.cpp.
class ContractWorld {
 public:
  virtual ~ContractWorld() = default;
  /// A bridge that knows nothing yet, on the same machine as those before.
  [[nodiscard]] virtual std::unique_ptr<Bridge> make_bridge() = 0;
  /// Kills the enclave from outside, as if somebody had sent it SIGKILL.
  virtual void kill(const Machine& machine) = 0;
  /// CPUs that enclaves may have; [0] always is there.
  [[nodiscard]] virtual std::vector<Cpu> cpus() = 0;
  /// Whether two enclaves may have the same CPU.
  [[nodiscard]] virtual bool shares_cpus() { return true; }
};

/// Whatever it booted ends with it.
class ContractRig {
 public:
  [[nodiscard]] static Bytes block_size();

  explicit ContractRig(Bytes memory = block_size() * 3);
  ContractRig(const ContractRig&) = delete;
  ContractRig& operator=(const ContractRig&) = delete;
  ~ContractRig();

  [[nodiscard]] Bridge& bridge() { return *bridge_; }
  [[nodiscard]] const std::vector<MemoryBlock>& blocks() const { return blocks_; }
  /// The bridge of the leviathan that comes after this one.
  [[nodiscard]] std::unique_ptr<Bridge> restarted_bridge() { return world_->make_bridge(); }

  /// With the first CPU (where CPUs are not shared: the next) and these of the blocks; a run directory of its own.
  [[nodiscard]] BootSpec spec(EnclaveId id, const std::vector<std::size_t>& blocks) const;
  [[nodiscard]] Result<std::unique_ptr<Machine>> boot(EnclaveId id, const std::vector<std::size_t>& blocks);
  void kill(const Machine& machine) { world_->kill(machine); }
  [[nodiscard]] std::optional<Cpu> second_cpu() const;

 private:
  struct Booted {
    EnclaveId id;
    std::filesystem::path run_dir;
  };

  TestDir dir_;
  std::unique_ptr<ContractWorld> world_;
  std::unique_ptr<Bridge> bridge_;
  std::vector<MemoryBlock> blocks_;
  mutable std::vector<Booted> specs_;  // of all specs handed out
};

}  // namespace hobbes::bridge
