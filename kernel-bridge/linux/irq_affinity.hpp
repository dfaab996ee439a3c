// SPDX-License-Identifier: Apache-2.0
// IrqAffinity: keeps device interrupts off a CPU that is about to go.
#pragma once

#include <string>
#include <vector>

#include "base/units.hpp"
#include "kernel-bridge/linux/node_files.hpp"

namespace hobbes::bridge {

/// What was moved moves back when the object goes, unless keep() was called.
class IrqAffinity {
 public:
  explicit IrqAffinity(NodeFiles files) : files_(std::move(files)) {}
  IrqAffinity(const IrqAffinity&) = delete;
  IrqAffinity& operator=(const IrqAffinity&) = delete;
  ~IrqAffinity();

  /// Takes the CPU out of the affinity of every interrupt; one that has no other CPU gets all that are online.
  /// Interrupts that the kernel places itself (it refuses the write) are left to it: it moves them when the CPU goes.
  [[nodiscard]] Status move_off(CpuId cpu);
  void keep() { moved_.clear(); }

 private:
  struct Moved {
    std::filesystem::path file;
    std::string before;
  };

  const NodeFiles files_;
  std::vector<Moved> moved_;
};

}  // namespace hobbes::bridge
