// SPDX-License-Identifier: Apache-2.0
// PiscesBridge: boots co-kernels on CPUs and memory that Linux gave up, through pisces.ko. Needs root.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "kernel-bridge/boot/kernel_cache.hpp"
#include "kernel-bridge/bridge.hpp"
#include "kernel-bridge/linux/linux_memory.hpp"
#include "kernel-bridge/pisces/driver.hpp"
#include "kernel-bridge/pisces/taken_cpus.hpp"
#include "kernel-bridge/pisces/taken_devices.hpp"

namespace hobbes::bridge {

/// The bare-metal image for enclaves that name none: as HOBBES_COKERNEL_X86_64 says, else beside the running
/// executable, in a neighbouring libexec/hobbes/ or a build's cokernel/, else where it is to be installed.
[[nodiscard]] std::filesystem::path find_bare_kernel();

/// Threads: any. Memory is taken from Linux by provide_memory() and given back by the destructor, but for blocks that
/// an enclave still has; CPUs are taken when an enclave gets them and given back when it loses them.
class PiscesBridge final : public Bridge {
 public:
  /// Whether the driver is loaded, and for the caller to use.
  [[nodiscard]] static bool is_here();

  explicit PiscesBridge(std::filesystem::path kernel);
  PiscesBridge(const PiscesBridge&) = delete;
  PiscesBridge& operator=(const PiscesBridge&) = delete;
  ~PiscesBridge() override;

  [[nodiscard]] std::string_view name() const override { return "pisces"; }
  [[nodiscard]] Status probe() override;
  [[nodiscard]] Result<std::vector<MemoryBlock>> provide_memory(Bytes amount, Bytes block_size) override;
  [[nodiscard]] bool takes_from_linux() const override { return true; }
  [[nodiscard]] Status give_memory_back(std::uint64_t base) override;
  [[nodiscard]] Result<std::vector<MemoryBlock>> restore_memory(const std::vector<MemoryBlock>& known,
                                                                const std::vector<std::uint64_t>& held) override;
  [[nodiscard]] Result<std::string> backing(std::uint64_t base) override;
  /// The driver did, when the block left its enclave.
  [[nodiscard]] Status scrub(std::uint64_t base) override;
  [[nodiscard]] Result<std::unique_ptr<Machine>> boot(const BootSpec& spec,
                                                      std::chrono::steady_clock::time_point deadline) override;
  [[nodiscard]] Result<std::unique_ptr<Machine>> adopt(EnclaveId id, std::string_view adoption_record) override;
  [[nodiscard]] Status destroy(EnclaveId id, std::string_view adoption_record) override;
  [[nodiscard]] Status clean_up(EnclaveId id, const std::filesystem::path& run_dir) override;

 private:
  void know(const MemoryBlock& block);
  [[nodiscard]] Result<MemoryBlock> find(std::uint64_t base);
  [[nodiscard]] Status give(const EnclaveDevice& device, const BootSpec& spec, std::vector<Cpu>& cpus);
  [[nodiscard]] Status lay_out(const EnclaveDevice& device, const BootSpec& spec, const std::vector<Cpu>& cpus);
  [[nodiscard]] Result<std::unique_ptr<Machine>> start(const Driver& driver, const BootSpec& spec,
                                                       std::chrono::steady_clock::time_point deadline);
  /// Whatever is left of it; nothing when there is nothing.
  [[nodiscard]] Status end(EnclaveId id);

  const std::filesystem::path kernel_;
  const std::shared_ptr<TakenCpus> cpus_;
  const TakenDevices devices_;
  const LinuxMemory linux_memory_;
  KernelCache kernels_;

  std::mutex mutex_;
  std::map<std::uint64_t, MemoryBlock> blocks_;  // by base
};

}  // namespace hobbes::bridge
