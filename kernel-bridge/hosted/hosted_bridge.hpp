// SPDX-License-Identifier: Apache-2.0
// HostedBridge: boots co-kernels as Linux processes. Needs nothing but Linux; no privileges.
#pragma once

#include <memory>

#include "base/stock.hpp"
#include "kernel-bridge/bridge.hpp"
#include "kernel-bridge/hosted/hosted_config.hpp"
#include "kernel-bridge/boot/kernel_cache.hpp"
#include "kernel-bridge/hosted/memory_pool.hpp"
#include "kernel-bridge/hosted/waiting_loader.hpp"

namespace hobbes::bridge {

/// Threads: any. Machines stay good when the bridge goes.
class HostedBridge final : public Bridge {
 public:
  explicit HostedBridge(HostedConfig config);

  [[nodiscard]] std::string_view name() const override { return "hosted"; }
  [[nodiscard]] Status probe() override;
  [[nodiscard]] Result<std::vector<MemoryBlock>> provide_memory(Bytes amount, Bytes block_size) override;
  [[nodiscard]] Result<std::vector<MemoryBlock>> restore_memory(const std::vector<MemoryBlock>& known,
                                                                const std::vector<std::uint64_t>& held) override;
  [[nodiscard]] Result<std::string> backing(std::uint64_t base) override;
  [[nodiscard]] Result<MemoryFile> memory_file(std::uint64_t base) override;
  [[nodiscard]] Status scrub(std::uint64_t base) override;
  [[nodiscard]] Result<std::unique_ptr<Machine>> boot(const BootSpec& spec,
                                                      std::chrono::steady_clock::time_point deadline) override;
  [[nodiscard]] Result<std::unique_ptr<Machine>> adopt(EnclaveId id, std::string_view adoption_record) override;
  [[nodiscard]] Status destroy(EnclaveId id, std::string_view adoption_record) override;
  [[nodiscard]] Status clean_up(EnclaveId id, const std::filesystem::path& run_dir) override;

 private:
  const HostedConfig config_;
  KernelCache kernels_;
  const std::shared_ptr<MemoryPool> pool_;
  Stock<WaitingLoader> loaders_;
};

}  // namespace hobbes::bridge
