// SPDX-License-Identifier: Apache-2.0
// BlockMap: the enclave's memory blocks in the proxy, each at direct map + physical base, and who is using them.
//
// Two reasons to know which block an address belongs to. Addresses come from an enclave that may be hostile: whatever
// the proxy or Linux reads or writes for it must lie in blocks, never in the proxy's own memory. And a block is
// unmapped only when no call uses it, so a call pins the blocks of its arguments:
//
//        call                                   forget
//   P1   users += 1                        F1   leaving = 1
//        ---- full barrier ----                 ---- full barrier ----
//   P2   leaving: users -= 1, EFAULT       F2   users != 0: sleep on it
//
// (all sequentially consistent): either P2 sees F1 or F2 sees P1.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "base/result.hpp"
#include "kernel-bridge/host-io/options.hpp"

namespace hobbes::host_io {

class BlockMap {
 public:
  class Block;
  class Pins;

  /// Maps every block, readable and writable, at `direct_map` + base. Refuses blocks that overlap, lie outside the
  /// direct map or have a file that is too short. The descriptors stay the caller's and are needed no more.
  [[nodiscard]] static Result<BlockMap> create(const std::vector<BlockOption>& blocks, std::uint64_t direct_map);
  /// One more, by the same rules. Any thread, while others use the map.
  [[nodiscard]] Status add(const BlockOption& block);
  BlockMap(BlockMap&&) noexcept;
  BlockMap& operator=(BlockMap&&) = delete;
  ~BlockMap();

  /// Where physical address `physical` is mapped, if [physical, + size) lies in one block; else null.
  [[nodiscard]] std::byte* locate(std::uint64_t physical, std::size_t size) const;
  /// Keeps the block of `physical` (which locate() found) from ever being forgotten.
  void keep(std::uint64_t physical);
  /// Unmaps the block that is exactly [base, base + size), once no call uses it: 0, -EINVAL (no such block), -EBUSY
  /// (kept, or somebody else is at it), -EINTR (`interrupted` said so after a signal; the block stays). Any thread.
  [[nodiscard]] int forget(std::uint64_t base, std::uint64_t size, const std::function<bool()>& interrupted);

 private:
  explicit BlockMap(std::uint64_t direct_map);
  /// The block that holds the mapped address, or null.
  [[nodiscard]] Block* find(std::uint64_t address) const;

  using Table = std::vector<Block*>;  // sorted by address; those that are gone may still be in it

  /// Readers take the table there is. It is replaced, not changed, and an old one stays: blocks come seldom.
  struct Blocks {
    std::mutex mutex;
    std::vector<std::unique_ptr<Block>> all;             // under mutex
    std::vector<std::unique_ptr<const Table>> tables;    // under mutex
    std::atomic<const Table*> current = nullptr;         // release in add(); partner: find()
  };

  std::uint64_t direct_map_;
  std::unique_ptr<Blocks> blocks_;
};

/// The blocks one call uses; lets go of them when dropped. One thread. Addresses are those of the direct map.
class BlockMap::Pins {
 public:
  explicit Pins(const BlockMap& map) : map_(map) {}
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;
  ~Pins();

  /// Whether all of [address, + size) lies in blocks, which then stay mapped as long as *this. True for size 0.
  [[nodiscard]] bool cover(std::uint64_t address, std::uint64_t size);
  /// Copies from and to the enclave, once; false (EFAULT) where cover() is.
  [[nodiscard]] bool copy_in(void* to, std::uint64_t address, std::size_t size);
  [[nodiscard]] bool copy_out(std::uint64_t address, const void* from, std::size_t size);
  /// Copies a string with its NUL: 0, -EFAULT, or -ENAMETOOLONG where it does not end within `size` bytes.
  [[nodiscard]] int copy_string(char* to, std::uint64_t address, std::size_t size);

 private:
  [[nodiscard]] Block* pin(std::uint64_t address);

  const BlockMap& map_;
  static constexpr std::size_t usual = 4;  // room for as many without the heap
  boost::container::small_vector<Block*, usual> pinned_;
};

}  // namespace hobbes::host_io
