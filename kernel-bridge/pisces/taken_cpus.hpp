// SPDX-License-Identifier: Apache-2.0
// TakenCpus: CPUs on their way from Linux to enclaves and back. Those that are taken are noted in a file, so that one
// which a killed leviathan left between Linux and the driver is Linux's again after the next start.
#pragma once

#include <filesystem>
#include <mutex>
#include <vector>

#include "kernel-bridge/linux/linux_cpus.hpp"

namespace hobbes::bridge {

/// Threads: any.
class TakenCpus {
 public:
  explicit TakenCpus(std::filesystem::path file, LinuxCpus linux_cpus = LinuxCpus())
      : file_(std::move(file)), linux_cpus_(std::move(linux_cpus)) {}

  /// Noted first, then taken; when that fails it is as before.
  [[nodiscard]] Status take(CpuId cpu);
  /// Given back first, then forgotten.
  [[nodiscard]] Status give_back(CpuId cpu);
  /// Gives back what is noted and in no enclave's hands.
  [[nodiscard]] Status give_back_all_but(const std::vector<CpuId>& held);

 private:
  // REQUIRES, all of these: mutex_ is held.
  [[nodiscard]] Result<std::vector<CpuId>> read() const;
  [[nodiscard]] Status write(const std::vector<CpuId>& cpus) const;
  [[nodiscard]] Status note(CpuId cpu) const;
  [[nodiscard]] Status forget(CpuId cpu) const;

  const std::filesystem::path file_;
  const LinuxCpus linux_cpus_;
  std::mutex mutex_;
};

}  // namespace hobbes::bridge
