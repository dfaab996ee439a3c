// SPDX-License-Identifier: Apache-2.0
// HostedMachine: an enclave that runs as Linux processes.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cmdqueue/doorbell.hpp"
#include "kernel-bridge/boot/boot_block.hpp"
#include "kernel-bridge/boot/clock_keeper.hpp"
#include "kernel-bridge/bridge.hpp"
#include "kernel-bridge/hosted/adoption_record.hpp"
#include "kernel-bridge/hosted/machine_socket.hpp"
#include "kernel-bridge/hosted/memory_pool.hpp"

namespace hobbes::bridge {

/// What a boot made, or an adoption found.
struct HostedParts {
  AdoptionRecord record;
  UniqueFd pidfd;
  std::shared_ptr<Block> boot_block;
  UniqueFd control_bell;  ///< eventfds that the co-kernel rings
  UniqueFd console_bell;
  UniqueFd file_lender;   ///< where files are lent to it
  std::vector<std::uint64_t> blocks;  ///< bases; [0] is the boot block's
  std::vector<LentRange> lent{};
};

/// Threads: any, except that what changes the enclave is called by one at a time.
class HostedMachine final : public Machine {
 public:
  /// Code::corrupt when the boot block is not one.
  [[nodiscard]] static Result<std::unique_ptr<HostedMachine>> create(std::shared_ptr<MemoryPool> pool,
                                                                     HostedParts parts);

  [[nodiscard]] std::string adoption_record() const override;
  [[nodiscard]] int death_fd() const override { return parts_.pidfd.get(); }
  [[nodiscard]] Life life() const override;
  [[nodiscard]] std::string crash_reason() const override;
  [[nodiscard]] std::byte* control_queue() override { return boot_.control_queue.data(); }
  [[nodiscard]] Bytes control_queue_size() const override { return Bytes(boot_.control_queue.size()); }
  [[nodiscard]] std::byte* console() override { return boot_.console.data(); }
  [[nodiscard]] int control_bell() const override { return parts_.control_bell.get(); }
  [[nodiscard]] int console_bell() const override { return parts_.console_bell.get(); }
  void ring_control() override;
  void ring_console() override;
  [[nodiscard]] Status add_memory(const MemoryBlock& block) override;
  [[nodiscard]] Status remove_memory(std::uint64_t base) override;
  [[nodiscard]] Status add_cpu(const Cpu& cpu) override;
  [[nodiscard]] Status remove_cpu(CpuId cpu) override;
  [[nodiscard]] LentRange lent_range() const override;
  [[nodiscard]] std::vector<LentRange> lent() override;
  [[nodiscard]] Status lend(const LentRange& range, int memfd, bool writable) override;
  [[nodiscard]] Status take_back(std::uint64_t base) override;
  [[nodiscard]] Result<MemoryFile> share_memory(std::uint64_t address) override;
  [[nodiscard]] Result<std::vector<MemoryFile>> memory_files() override;
  [[nodiscard]] int file_lender() const override { return parts_.file_lender.get(); }
  void update_clock() override;

  [[nodiscard]] const hobbes_boot_params& params() const { return *boot_.params; }
  /// Waits until the co-kernel serves. timeout at the deadline; unavailable when it ended or gave up before.
  [[nodiscard]] Status wait_until_running(std::chrono::steady_clock::time_point deadline) const;

 private:
  HostedMachine(std::shared_ptr<MemoryPool> pool, HostedParts parts, BootBlock boot, cmdqueue::Doorbell control);
  [[nodiscard]] std::uint32_t state() const;
  void watch_boot() const;
  [[nodiscard]] Status check_alive() const;

  // Constant after construction.
  const std::shared_ptr<MemoryPool> pool_;
  const HostedParts parts_;  // `blocks` is where blocks_ starts
  const BootBlock boot_;
  const cmdqueue::Doorbell control_doorbell_;
  const MachineSocket socket_;

  std::mutex blocks_mutex_;
  std::vector<std::uint64_t> blocks_;
  std::vector<LentRange> lent_;

  ClockKeeper clock_;
};

}  // namespace hobbes::bridge
