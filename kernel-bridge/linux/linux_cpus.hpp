// SPDX-License-Identifier: Apache-2.0
// LinuxCpus: takes CPUs away from Linux and gives them back.
#pragma once

#include "base/units.hpp"
#include "kernel-bridge/linux/node_files.hpp"

namespace hobbes::bridge {

class LinuxCpus {
 public:
  explicit LinuxCpus(NodeFiles files = NodeFiles()) : files_(std::move(files)) {}

  /// Code::unsupported: one that Linux cannot do without, or does not let go of; not_found: there is none.
  [[nodiscard]] Result<bool> is_online(CpuId cpu) const;
  /// Moves interrupts away, then takes it offline; nothing has changed when that fails. One that is offline already is
  /// taken.
  [[nodiscard]] Status take(CpuId cpu) const;
  /// Code::busy: an enclave has it.
  [[nodiscard]] Status give_back(CpuId cpu) const;

 private:
  const NodeFiles files_;
};

}  // namespace hobbes::bridge
