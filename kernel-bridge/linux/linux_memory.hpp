// SPDX-License-Identifier: Apache-2.0
// LinuxMemory: takes memory blocks away from Linux and gives them back.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "kernel-bridge/linux/node_files.hpp"

namespace hobbes::bridge {

/// One of Linux's memory blocks.
struct LinuxBlock {
  std::uint64_t base = 0;
  Bytes size;
  NumaId numa = any_numa;
  bool online = false;
  bool movable = false;  ///< online, and made so that everything in it can move elsewhere

  friend bool operator==(const LinuxBlock&, const LinuxBlock&) = default;
};

class LinuxMemory {
 public:
  explicit LinuxMemory(NodeFiles files = NodeFiles()) : files_(std::move(files)) {}

  /// Of all blocks. Code::unsupported: this Linux cannot give memory up.
  [[nodiscard]] Result<Bytes> block_size() const;
  [[nodiscard]] Result<std::vector<LinuxBlock>> blocks() const;

  /// Takes `count` movable blocks, of the nodes in turn, the highest first. A block that Linux cannot empty is passed
  /// over. Code::exhausted when there are not as many: then all are given back.
  [[nodiscard]] Result<std::vector<LinuxBlock>> take(std::size_t count) const;
  /// One that is offline already is taken. Code::busy: pages of it are in use for good.
  [[nodiscard]] Status take_block(std::uint64_t base) const;
  /// As movable memory. One that is online is given back already. Code::busy: an enclave has it.
  [[nodiscard]] Status give_back(std::uint64_t base) const;

 private:
  [[nodiscard]] Result<std::filesystem::path> file_of(std::uint64_t base) const;
  [[nodiscard]] NumaId node_of(std::uint64_t number) const;

  const NodeFiles files_;
};

}  // namespace hobbes::bridge
