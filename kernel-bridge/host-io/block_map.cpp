// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/block_map.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/host-io/futex.hpp"
#include "kernel-bridge/host-io/native_bell.hpp"

namespace hobbes::host_io {

class BlockMap::Block {
 public:
  Block(std::uint64_t address, std::uint64_t size) : address_(address), size_(size) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    if (state_ != State::gone) ::munmap(data(), size_);
  }

  [[nodiscard]] std::uint64_t address() const { return address_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t end() const { return address_ + size_; }
  [[nodiscard]] std::byte* data() const { return reinterpret_cast<std::byte*>(address_); }

  [[nodiscard]] bool pin() {
    users().fetch_add(1);
    if (State s = state_; s == State::mapped || s == State::kept) return true;
    unpin();
    return false;
  }
  void unpin() {
    if (users().fetch_sub(1) == 1 && state_ == State::leaving) futex_wake_all(users_);
  }

  void keep() { state_ = State::kept; }
  [[nodiscard]] bool is_gone() const { return state_ == State::gone; }

  [[nodiscard]] int forget(const std::function<bool()>& interrupted) {
    State expected = State::mapped;
    if (!state_.compare_exchange_strong(expected, State::leaving)) return expected == State::gone ? -EINVAL : -EBUSY;
    for (std::uint32_t seen = users().load(); seen != 0; seen = users().load()) {
      if (interrupted()) {
        state_ = State::mapped;
        return -EINTR;
      }
      futex_wait(users_, seen);
    }
    ::munmap(data(), size_);
    state_ = State::gone;
    return 0;
  }

 private:
  enum class State { mapped, kept, leaving, gone };

  [[nodiscard]] Word users() { return Word(users_); }

  const std::uint64_t address_;
  const std::uint64_t size_;
  std::atomic<State> state_ = State::mapped;
  std::uint32_t users_ = 0;  // only through users()
};

namespace {

constexpr std::uint64_t page_size = 4096;

std::string name_of(const BlockOption& block) {
  return "memory block " + std::to_string(block.base) + ":" + std::to_string(block.size.value) + ":" +
         std::to_string(block.fd);
}

Status check(const BlockOption& block) {
  // The last page stays free: what runs over the end of the direct map finds a hole.
  constexpr std::uint64_t limit = HOBBES_HOSTED_DIRECT_SIZE - page_size;
  const std::uint64_t size = block.size.value;
  if (size == 0 || size % page_size != 0 || block.base % page_size != 0 || size > limit || block.base > limit - size) {
    return Error(Code::invalid, name_of(block) + ": not whole pages within the direct map");
  }
  struct stat file{};
  if (::fstat(block.fd, &file) != 0) return last_errno(name_of(block));
  // A block that is no file says when it is mapped how large it is.
  if (!NativeBell::is_native(block.fd) && static_cast<std::uint64_t>(file.st_size) < size) {
    return Error(Code::invalid, name_of(block) + ": its file has only " + std::to_string(file.st_size) + " bytes");
  }
  return {};
}

}  // namespace

Result<BlockMap> BlockMap::create(const std::vector<BlockOption>& blocks, std::uint64_t direct_map) {
  BlockMap map(direct_map);
  for (const BlockOption& block : blocks) TRY(map.add(block));
  return map;
}

BlockMap::BlockMap(std::uint64_t direct_map) : direct_map_(direct_map), blocks_(std::make_unique<Blocks>()) {}
BlockMap::BlockMap(BlockMap&&) noexcept = default;
BlockMap::~BlockMap() = default;

Status BlockMap::add(const BlockOption& block) {
  TRY(check(block));
  const std::lock_guard lock(blocks_->mutex);
  void* wanted = reinterpret_cast<void*>(direct_map_ + block.base);
  void* at = ::mmap(wanted, block.size.value, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, block.fd, 0);
  if (at == MAP_FAILED) return last_errno(name_of(block) + ": mapping it into the direct map");
  blocks_->all.push_back(std::make_unique<Block>(direct_map_ + block.base, block.size.value));
  auto table = std::make_unique<Table>();
  for (const auto& known : blocks_->all) {
    if (!known->is_gone()) table->push_back(known.get());
  }
  std::ranges::sort(*table, {}, &Block::address);
  blocks_->current.store(table.get(), std::memory_order_release);
  blocks_->tables.push_back(std::move(table));
  return {};
}

BlockMap::Block* BlockMap::find(std::uint64_t address) const {
  const Table* blocks = blocks_->current.load(std::memory_order_acquire);
  if (blocks == nullptr) return nullptr;
  const auto after = std::ranges::upper_bound(*blocks, address, {}, &Block::address);
  if (after == blocks->begin()) return nullptr;
  Block* block = *std::prev(after);
  return address < block->end() ? block : nullptr;
}

std::byte* BlockMap::locate(std::uint64_t physical, std::size_t size) const {
  const std::uint64_t address = direct_map_ + physical;
  if (address < direct_map_) return nullptr;
  const Block* block = find(address);
  if (block == nullptr || size > block->end() - address) return nullptr;
  return block->data() + (address - block->address());
}

void BlockMap::keep(std::uint64_t physical) { find(direct_map_ + physical)->keep(); }

int BlockMap::forget(std::uint64_t base, std::uint64_t size, const std::function<bool()>& interrupted) {
  Block* block = find(direct_map_ + base);
  if (block == nullptr || block->address() != direct_map_ + base || block->size() != size) return -EINVAL;
  return block->forget(interrupted);
}

BlockMap::Pins::~Pins() {
  for (Block* block : pinned_) block->unpin();
}

BlockMap::Block* BlockMap::Pins::pin(std::uint64_t address) {
  Block* block = map_.find(address);
  if (block == nullptr) return nullptr;
  if (std::find(pinned_.begin(), pinned_.end(), block) != pinned_.end()) return block;
  if (!block->pin()) return nullptr;
  pinned_.push_back(block);
  return block;
}

bool BlockMap::Pins::cover(std::uint64_t address, std::uint64_t size) {
  while (size != 0) {
    const Block* block = pin(address);
    if (block == nullptr) return false;
    const std::uint64_t here = std::min(size, block->end() - address);
    address += here;
    size -= here;
  }
  return true;
}

bool BlockMap::Pins::copy_in(void* to, std::uint64_t address, std::size_t size) {
  if (size == 0) return true;
  if (!cover(address, size)) return false;
  std::memcpy(to, reinterpret_cast<const void*>(address), size);
  return true;
}

bool BlockMap::Pins::copy_out(std::uint64_t address, const void* from, std::size_t size) {
  if (size == 0) return true;
  if (!cover(address, size)) return false;
  std::memcpy(reinterpret_cast<void*>(address), from, size);
  return true;
}

int BlockMap::Pins::copy_string(char* to, std::uint64_t address, std::size_t size) {
  while (size != 0) {
    const Block* block = pin(address);
    if (block == nullptr) return -EFAULT;
    const std::size_t here = std::min<std::size_t>(size, block->end() - address);
    std::memcpy(to, reinterpret_cast<const void*>(address), here);
    if (std::memchr(to, 0, here) != nullptr) return 0;
    to += here;
    address += here;
    size -= here;
  }
  return -ENAMETOOLONG;
}

}  // namespace hobbes::host_io
