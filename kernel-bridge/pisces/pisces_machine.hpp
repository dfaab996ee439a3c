// SPDX-License-Identifier: Apache-2.0
// PiscesMachine: an enclave on CPUs and memory of its own.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/mapping.hpp"
#include "kernel-bridge/boot/boot_block.hpp"
#include "kernel-bridge/boot/clock_keeper.hpp"
#include "kernel-bridge/bridge.hpp"
#include "kernel-bridge/pisces/driver.hpp"
#include "kernel-bridge/pisces/taken_cpus.hpp"
#include "kernel-bridge/pisces/taken_devices.hpp"

namespace hobbes::bridge {

/// Threads: any, except that what changes the enclave is called by one at a time. After the enclave was destroyed the
/// mapping of its boot block shows zeroes.
class PiscesMachine final : public Machine {
 public:
  /// Of an enclave that has booted. Code::corrupt when its boot block is not one.
  [[nodiscard]] static Result<std::unique_ptr<PiscesMachine>> create(EnclaveDevice device,
                                                                     std::shared_ptr<TakenCpus> cpus);

  /// The enclave that a record is of; Code::corrupt when it is not one.
  [[nodiscard]] static Result<EnclaveId> parse_record(std::string_view record);

  [[nodiscard]] std::string adoption_record() const override;
  [[nodiscard]] int death_fd() const override { return bells_.end.get(); }
  [[nodiscard]] Life life() const override;
  [[nodiscard]] std::string crash_reason() const override;
  [[nodiscard]] std::byte* control_queue() override { return boot_.control_queue.data(); }
  [[nodiscard]] Bytes control_queue_size() const override { return Bytes(boot_.control_queue.size()); }
  [[nodiscard]] std::byte* console() override { return boot_.console.data(); }
  [[nodiscard]] int control_bell() const override { return bells_.control.get(); }
  [[nodiscard]] int console_bell() const override { return bells_.console.get(); }
  void ring_control() override;
  void ring_console() override;
  [[nodiscard]] Status add_memory(const MemoryBlock& block) override;
  [[nodiscard]] Status remove_memory(std::uint64_t base) override;
  [[nodiscard]] Status add_cpu(const Cpu& cpu) override;
  [[nodiscard]] Status remove_cpu(CpuId cpu) override;
  [[nodiscard]] Result<hobbes_pci_command> add_device(const PciDevice& device) override;
  [[nodiscard]] Status remove_device(const PciDevice& device) override;
  [[nodiscard]] Result<std::vector<MemoryFile>> memory_files() override;
  void update_clock() override { clock_.update(); }

  /// Waits until the co-kernel serves. timeout at the deadline; unavailable when it gave up before.
  [[nodiscard]] Status wait_until_running(std::chrono::steady_clock::time_point deadline) const;

 private:
  /// Descriptors of the driver's; each has its own count of rings.
  struct Bells {
    UniqueFd control;
    UniqueFd console;
    UniqueFd end;
  };

  PiscesMachine(EnclaveDevice device, std::shared_ptr<TakenCpus> cpus, EnclaveId id, Mapping memory, BootBlock boot,
                Bells bells);
  /// Code::unavailable when it does not run.
  [[nodiscard]] Status check_alive() const;

  const EnclaveDevice device_;
  const std::shared_ptr<TakenCpus> cpus_;
  const TakenDevices devices_;
  const EnclaveId id_;
  const Mapping memory_;  // the boot block
  const BootBlock boot_;
  const Bells bells_;
  ClockKeeper clock_;
};

}  // namespace hobbes::bridge
