// SPDX-License-Identifier: Apache-2.0
// FakeMemory: blocks of memory for fake enclaves: plain memfds, whose pages come when they are touched.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/mapping.hpp"
#include "base/unique_fd.hpp"
#include "kernel-bridge/bridge.hpp"

namespace hobbes::bridge {

struct FakeBlock {
  UniqueFd fd;
  Mapping mapping;
};

/// Threads: any. Blocks are never removed.
class FakeMemory {
 public:
  [[nodiscard]] Result<std::vector<MemoryBlock>> provide(Bytes amount, Bytes block_size);
  /// not_found: there is no such block.
  [[nodiscard]] Result<std::shared_ptr<FakeBlock>> get(std::uint64_t base) const;
  [[nodiscard]] Status scrub(std::uint64_t base);
  /// An enclave has it now.
  void mark_used(std::uint64_t base);
  /// Whether no enclave had it since it was made or scrubbed.
  [[nodiscard]] bool is_clean(std::uint64_t base) const;

 private:
  struct Entry {
    std::shared_ptr<FakeBlock> block;
    bool clean = true;
  };

  mutable std::mutex mutex_;
  std::map<std::uint64_t, Entry> entries_;
};

}  // namespace hobbes::bridge
