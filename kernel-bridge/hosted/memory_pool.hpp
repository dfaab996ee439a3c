// SPDX-License-Identifier: Apache-2.0
// MemoryPool: the node's enclave memory in the hosted bridge: blocks at synthetic physical addresses, prepared by one
// background thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kernel-bridge/bridge.hpp"
#include "kernel-bridge/hosted/block.hpp"

namespace hobbes::bridge {

/// Every block in the pool that waits for an enclave is prepared and zero. Threads: any.
class MemoryPool {
 public:
  MemoryPool() = default;
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  /// Makes `amount`, rounded up to blocks, spread evenly over the NUMA nodes that have memory. The blocks' preparation
  /// goes on in the background. Code::exhausted when the node has not as much left.
  [[nodiscard]] Result<std::vector<MemoryBlock>> provide(Bytes amount, Bytes block_size);
  /// Makes one block at a given address, unless the pool has it already.
  [[nodiscard]] Status restore(const MemoryBlock& block);
  /// Takes in a block that an adopted enclave holds, unless the pool has this very one. Code::exists: another block has
  /// that address.
  [[nodiscard]] Status take_in(std::uint64_t base, UniqueFd memfd, Bytes size);

  /// The block at `base`; waits until it is prepared. Code::not_found, or why it could not be prepared.
  [[nodiscard]] Result<std::shared_ptr<Block>> get(std::uint64_t base);
  /// What it is made of, as text; waits until it is prepared.
  [[nodiscard]] Result<std::string> backing(std::uint64_t base);
  [[nodiscard]] Status scrub(std::uint64_t base);

 private:
  struct Entry {
    std::shared_ptr<Block> block;
    bool wanted = false;                         // somebody waits: prepare it before the others
    std::optional<Result<std::string>> backing;  // set once it is prepared, or that failed
  };
  using Entries = std::map<std::uint64_t, Entry>;

  [[nodiscard]] Status add(std::uint64_t base, Block block);
  void prepare_blocks(const std::stop_token& stop);
  /// REQUIRES: mutex_ is held.
  [[nodiscard]] bool overlaps(std::uint64_t base, Bytes size) const;
  /// REQUIRES: mutex_ is held. The block to prepare next; nullptr when all are.
  [[nodiscard]] Entry* next_unprepared();
  /// Waits until the block is prepared. Entries are never removed, so the reference stays good.
  [[nodiscard]] Result<Entry*> prepared(std::unique_lock<std::mutex>& lock, std::uint64_t base);

  std::mutex mutex_;
  std::condition_variable_any changed_;  // an entry was added or prepared
  Entries entries_;
  std::jthread preparer_;  // last: stopped before what it works on goes
};

}  // namespace hobbes::bridge
