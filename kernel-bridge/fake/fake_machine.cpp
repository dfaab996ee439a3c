// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/fake/fake_machine.hpp"

namespace hobbes::bridge {

Status FakeMachine::begin(FakeStep step) const {
  TRY(node_->begin(step));
  if (kernel_->life() != Life::running) return Error(Code::unavailable, "the enclave has ended");
  return {};
}

Status FakeMachine::add_memory(const MemoryBlock& block) {
  TRY(begin(FakeStep::add_memory));
  TRY(node_->memory_.get(block.base));
  TRY(kernel_->plug_memory(block.base));
  node_->memory_.mark_used(block.base);
  return {};
}

Status FakeMachine::remove_memory(std::uint64_t base) {
  TRY(begin(FakeStep::remove_memory));
  return kernel_->unplug_memory(base);
}

Status FakeMachine::add_cpu(const Cpu& cpu) {
  TRY(begin(FakeStep::add_cpu));
  return kernel_->plug_cpu(cpu.id);
}

Status FakeMachine::remove_cpu(CpuId cpu) {
  TRY(begin(FakeStep::remove_cpu));
  return kernel_->unplug_cpu(cpu);
}

Result<hobbes_pci_command> FakeMachine::add_device(const PciDevice& device) {
  TRY(begin(FakeStep::add_device));
  return kernel_->plug_device(device.name);
}

Status FakeMachine::remove_device(const PciDevice& device) {
  TRY(begin(FakeStep::remove_device));
  return kernel_->unplug_device(device.name);
}

Result<std::vector<MemoryFile>> FakeMachine::memory_files() {
  std::vector<MemoryFile> files;
  for (const std::uint64_t base : kernel_->plugged_blocks()) {
    const std::shared_ptr<FakeBlock> block = TRY(node_->memory_.get(base));
    files.push_back({base, Bytes(block->mapping.size()), TRY(block->fd.duplicate())});
  }
  return files;
}

}  // namespace hobbes::bridge
