// SPDX-License-Identifier: Apache-2.0
// FakeMachine: a fake enclave as leviathan holds it.
#pragma once

#include "kernel-bridge/fake/fake_bridge.hpp"

namespace hobbes::bridge {

class FakeMachine final : public Machine {
 public:
  FakeMachine(std::shared_ptr<FakeNode> node, std::shared_ptr<FakeKernel> kernel)
      : node_(std::move(node)), kernel_(std::move(kernel)) {}

  [[nodiscard]] static std::string record_of(EnclaveId id) { return "fake=" + std::to_string(id.value); }

  [[nodiscard]] std::string adoption_record() const override { return record_of(kernel_->id()); }
  [[nodiscard]] int death_fd() const override { return kernel_->death_fd(); }
  [[nodiscard]] Life life() const override { return kernel_->life(); }
  [[nodiscard]] std::string crash_reason() const override { return kernel_->crash_reason(); }
  [[nodiscard]] std::byte* control_queue() override { return kernel_->control_queue().data(); }
  [[nodiscard]] Bytes control_queue_size() const override { return Bytes(kernel_->control_queue().size()); }
  [[nodiscard]] std::byte* console() override { return kernel_->console(); }
  [[nodiscard]] int control_bell() const override { return kernel_->control_bell(); }
  [[nodiscard]] int console_bell() const override { return kernel_->console_bell(); }
  void ring_control() override { kernel_->ring_control(); }
  void ring_console() override {}  // it reads no keys
  [[nodiscard]] Status add_memory(const MemoryBlock& block) override;
  [[nodiscard]] Status remove_memory(std::uint64_t base) override;
  [[nodiscard]] Status add_cpu(const Cpu& cpu) override;
  [[nodiscard]] Status remove_cpu(CpuId cpu) override;
  [[nodiscard]] Result<hobbes_pci_command> add_device(const PciDevice& device) override;
  [[nodiscard]] Status remove_device(const PciDevice& device) override;
  [[nodiscard]] Result<std::vector<MemoryFile>> memory_files() override;
  void update_clock() override {}  // it has none

 private:
  [[nodiscard]] Status begin(FakeStep step) const;

  const std::shared_ptr<FakeNode> node_;
  const std::shared_ptr<FakeKernel> kernel_;
};

}  // namespace hobbes::bridge
