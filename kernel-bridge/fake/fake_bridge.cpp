// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/fake/fake_bridge.hpp"

#include "kernel-bridge/fake/fake_machine.hpp"

namespace hobbes::bridge {

void FakeNode::fail_next(FakeStep step, Error error) {
  const std::lock_guard lock(mutex_);
  failures_.insert_or_assign(step, std::move(error));
}

std::vector<EnclaveId> FakeNode::enclaves() const {
  const std::lock_guard lock(mutex_);
  std::vector<EnclaveId> ids;
  for (const auto& [id, kernel] : kernels_) ids.push_back(id);
  return ids;
}

std::shared_ptr<FakeKernel> FakeNode::kernel(EnclaveId id) const {
  const std::lock_guard lock(mutex_);
  const auto kernel = kernels_.find(id);
  return kernel == kernels_.end() ? nullptr : kernel->second;
}

Status FakeNode::begin(FakeStep step) {
  const std::lock_guard lock(mutex_);
  if (const auto failure = failures_.extract(step)) return failure.mapped();
  return {};
}

void FakeNode::add(std::shared_ptr<FakeKernel> kernel) {
  const std::lock_guard lock(mutex_);
  kernels_[kernel->id()] = std::move(kernel);
}

void FakeNode::remove(EnclaveId id) {
  const std::shared_ptr<FakeKernel> dying = kernel(id);
  if (dying == nullptr) return;
  dying->destroy();
  const std::lock_guard lock(mutex_);
  kernels_.erase(id);
}

Result<std::vector<MemoryBlock>> FakeBridge::provide_memory(Bytes amount, Bytes block_size) {
  TRY(node_->begin(FakeStep::provide_memory));
  return node_->memory_.provide(amount, block_size);
}

Result<std::vector<MemoryBlock>> FakeBridge::restore_memory(const std::vector<MemoryBlock>& known,
                                                            const std::vector<std::uint64_t>&) {
  TRY(node_->begin(FakeStep::restore_memory));
  return known;  // the node kept them
}

Result<std::string> FakeBridge::backing(std::uint64_t base) {
  TRY(node_->memory_.get(base));
  return std::string("fake pages");
}

Status FakeBridge::scrub(std::uint64_t base) {
  TRY(node_->begin(FakeStep::scrub));
  return node_->memory_.scrub(base);
}

Result<std::unique_ptr<Machine>> FakeBridge::boot(const BootSpec& spec, std::chrono::steady_clock::time_point) {
  TRY(node_->begin(FakeStep::boot));
  if (node_->kernel(spec.id) != nullptr) return Error(Code::exists, "boot: the enclave is there already");
  std::shared_ptr<FakeKernel> kernel = TRY(FakeKernel::boot(spec, node_->memory_));
  node_->add(kernel);
  return std::unique_ptr<Machine>(std::make_unique<FakeMachine>(node_, std::move(kernel)));
}

Result<std::unique_ptr<Machine>> FakeBridge::adopt(EnclaveId id, std::string_view adoption_record) {
  TRY(node_->begin(FakeStep::adopt));
  if (adoption_record != FakeMachine::record_of(id))
    return Error(Code::corrupt, "adoption record '" + std::string(adoption_record) + "': not this enclave's");
  std::shared_ptr<FakeKernel> kernel = node_->kernel(id);
  if (kernel == nullptr || kernel->life() != Life::running) return Error(Code::not_found, "the enclave has ended");
  return std::unique_ptr<Machine>(std::make_unique<FakeMachine>(node_, std::move(kernel)));
}

Status FakeBridge::destroy(EnclaveId id, std::string_view) {
  TRY(node_->begin(FakeStep::destroy));
  node_->remove(id);
  return {};
}

Status FakeBridge::clean_up(EnclaveId id, const std::filesystem::path&) {
  TRY(node_->begin(FakeStep::clean_up));
  node_->remove(id);
  return {};
}

}  // namespace hobbes::bridge
