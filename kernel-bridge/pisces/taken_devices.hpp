// SPDX-License-Identifier: Apache-2.0
// TakenDevices: PCI devices on their way between Linux's drivers and pisces.ko's, which has what enclaves have.
#pragma once

#include <string>
#include <vector>

#include "kernel-bridge/linux/linux_pci.hpp"

namespace hobbes::bridge {

/// Devices go back to whatever driver of Linux's wants them: which had them before is not remembered.
class TakenDevices {
 public:
  explicit TakenDevices(LinuxPci pci = LinuxPci()) : pci_(std::move(pci)) {}

  /// From whatever drives it; when that fails, the driver before has it.
  [[nodiscard]] Status take(const std::string& device) const;
  /// What is not ours (any more) is left as it is.
  [[nodiscard]] Status give_back(const std::string& device) const;
  /// What a leviathan that died had taken.
  [[nodiscard]] Status give_back_all_but(const std::vector<std::string>& held) const;

 private:
  const LinuxPci pci_;
};

}  // namespace hobbes::bridge
