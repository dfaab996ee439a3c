// SPDX-License-Identifier: Apache-2.0
// MemoryPool: the node's enclave memory in the hosted bridge: blocks at synthetic physical addresses, prepared in the
// background by one thread that lets others go first, or at once by whoever needs one that is not ready.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
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

  /// The block at `base`, which this thread prepares if that has not happened yet. Code::not_found, or why it could not
  /// be prepared.
  [[nodiscard]] Result<std::shared_ptr<Block>> get(std::uint64_t base);
  /// What it is made of, as text; waits until it is prepared, without hurrying anybody.
  [[nodiscard]] Result<std::string> backing(std::uint64_t base);
  /// Zeroes it; one that was shared is left to those who have it, and an empty one takes its place.
  [[nodiscard]] Status scrub(std::uint64_t base);
  /// A descriptor of the block for processes that are not its enclave's.
  [[nodiscard]] Result<UniqueFd> share(std::uint64_t base);

 private:
  struct Entry {
    std::shared_ptr<Block> block;
    bool shared = false;                         // others than its enclave may have it mapped
    bool in_work = false;                        // a thread prepares it
    std::atomic<bool> needed = false;            // somebody prepares it at once: the background thread lets go of it
    std::optional<Result<std::string>> backing;  // set once it is prepared, or that failed
  };
  using Entries = std::map<std::uint64_t, Entry>;  // none is ever removed: references stay good

  [[nodiscard]] Status add(std::uint64_t base, Block block);
  void prepare_in_background(const std::stop_token& stop);

  // REQUIRES, all of these: the lock is of mutex_, and held.
  [[nodiscard]] bool overlaps(std::uint64_t base, Bytes size) const;
  [[nodiscard]] Result<Entry*> find(std::uint64_t base);
  /// The block for the background thread to prepare next; nullptr when there is none.
  [[nodiscard]] Entry* next_unprepared();
  /// Releases the lock meanwhile. Without a result when `stop` said so.
  void prepare(std::unique_lock<std::mutex>& lock, Entry& entry, const std::function<bool()>& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;  // an entry was added, or its preparation has ended
  Entries entries_;
  std::jthread preparer_;  // last: stopped before what it works on goes
};

}  // namespace hobbes::bridge
