// SPDX-License-Identifier: Apache-2.0
// FakeBridge: a bridge whose enclaves are threads of this process, for the tests of whoever drives one.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "kernel-bridge/bridge.hpp"
#include "kernel-bridge/fake/fake_kernel.hpp"
#include "kernel-bridge/fake/fake_memory.hpp"

namespace hobbes::bridge {

/// The calls that a test can make fail.
enum class FakeStep {
  provide_memory,
  restore_memory,
  scrub,
  boot,
  adopt,
  destroy,
  clean_up,
  add_memory,
  remove_memory,
  add_cpu,
  remove_cpu,
  add_device,
  remove_device,
};

/// The machine under the bridge: it goes on when a bridge goes, so that a test can end one leviathan and start the next
/// on the same enclaves. Threads: any.
class FakeNode {
 public:
  /// The next call of this step fails so, having done nothing.
  void fail_next(FakeStep step, Error error);

  /// The enclaves that were booted and not destroyed, dead or alive; null: none with this id.
  [[nodiscard]] std::vector<EnclaveId> enclaves() const;
  [[nodiscard]] std::shared_ptr<FakeKernel> kernel(EnclaveId id) const;
  /// Whether the block is as good as new.
  [[nodiscard]] bool is_clean(std::uint64_t base) const { return memory_.is_clean(base); }

 private:
  friend class FakeBridge;
  friend class FakeMachine;

  [[nodiscard]] Status begin(FakeStep step);
  void add(std::shared_ptr<FakeKernel> kernel);
  void remove(EnclaveId id);

  FakeMemory memory_;
  mutable std::mutex mutex_;
  std::map<FakeStep, Error> failures_;
  std::map<EnclaveId, std::shared_ptr<FakeKernel>> kernels_;
};

/// Boot ignores kernel, initrd and run directory.
class FakeBridge final : public Bridge {
 public:
  explicit FakeBridge(std::shared_ptr<FakeNode> node = std::make_shared<FakeNode>()) : node_(std::move(node)) {}

  [[nodiscard]] FakeNode& node() { return *node_; }

  [[nodiscard]] std::string_view name() const override { return "fake"; }
  [[nodiscard]] Status probe() override { return {}; }
  [[nodiscard]] Result<std::vector<MemoryBlock>> provide_memory(Bytes amount, Bytes block_size) override;
  [[nodiscard]] Result<std::vector<MemoryBlock>> restore_memory(const std::vector<MemoryBlock>& known,
                                                                const std::vector<std::uint64_t>& held) override;
  [[nodiscard]] Result<std::string> backing(std::uint64_t base) override;
  [[nodiscard]] Status scrub(std::uint64_t base) override;
  [[nodiscard]] Result<std::unique_ptr<Machine>> boot(const BootSpec& spec,
                                                      std::chrono::steady_clock::time_point deadline) override;
  [[nodiscard]] Result<std::unique_ptr<Machine>> adopt(EnclaveId id, std::string_view adoption_record) override;
  [[nodiscard]] Status destroy(EnclaveId id, std::string_view adoption_record) override;
  [[nodiscard]] Status clean_up(EnclaveId id, const std::filesystem::path& run_dir) override;

 private:
  const std::shared_ptr<FakeNode> node_;
};

}  // namespace hobbes::bridge
