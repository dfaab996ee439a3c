// SPDX-License-Identifier: Apache-2.0
// LinuxPci: takes PCI devices away from their Linux drivers and gives them back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel-bridge/linux/node_files.hpp"

namespace hobbes::bridge {

/// Devices are named as Linux does: "0000:00:1f.2".
class LinuxPci {
 public:
  explicit LinuxPci(NodeFiles files = NodeFiles()) : files_(std::move(files)) {}

  /// Nothing when none drives it. Code::not_found: there is no such device; invalid: that is no name of one.
  [[nodiscard]] Result<std::optional<std::string>> driver(std::string_view device) const;
  /// Its driver lets go of it. Returns which that was, for give_back().
  [[nodiscard]] Result<std::optional<std::string>> take(std::string_view device) const;
  /// Takes it from whatever drives it and has `driver` drive it (vfio-pci). When that fails, the driver before has it.
  [[nodiscard]] Status bind(std::string_view device, std::string_view driver) const;
  /// What a driver has.
  [[nodiscard]] std::vector<std::string> devices_of(std::string_view driver) const;
  /// To this driver, or to any that wants it.
  [[nodiscard]] Status give_back(std::string_view device, const std::optional<std::string>& driver) const;

 private:
  [[nodiscard]] Result<std::filesystem::path> directory_of(std::string_view device) const;
  [[nodiscard]] Status attach(std::string_view device, std::string_view driver) const;

  const NodeFiles files_;
};

}  // namespace hobbes::bridge
