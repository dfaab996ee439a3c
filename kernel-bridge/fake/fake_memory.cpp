// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/fake/fake_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

namespace hobbes::bridge {
namespace {

constexpr std::uint64_t first_base = 0x100000000;
constexpr Bytes grain = mib(2);

Result<FakeBlock> make_block(Bytes size) {
  FakeBlock block;
  block.fd = UniqueFd(::memfd_create("fake-block", MFD_CLOEXEC));
  if (!block.fd || ::ftruncate(block.fd.get(), static_cast<off_t>(size.value)) != 0) return last_errno("fake block");
  block.mapping = TRY(Mapping::shared(block.fd.get(), size.value, PROT_READ | PROT_WRITE));
  return block;
}

}  // namespace

Result<std::vector<MemoryBlock>> FakeMemory::provide(Bytes amount, Bytes block_size) {
  if (block_size.value == 0 || block_size.value % grain.value != 0)
    return Error(Code::invalid,
                 "block size: " + std::to_string(block_size.value) + " bytes is not a multiple of 2 MiB");
  const std::lock_guard lock(mutex_);
  std::vector<MemoryBlock> blocks;
  for (std::uint64_t offset = 0; offset < amount.value; offset += block_size.value) {
    const std::uint64_t base = first_base + offset;
    entries_[base].block = std::make_shared<FakeBlock>(TRY(make_block(block_size)));
    blocks.push_back({base, block_size, NumaId(0), "fake pages"});
  }
  return blocks;
}

Result<std::shared_ptr<FakeBlock>> FakeMemory::get(std::uint64_t base) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(base);
  if (entry == entries_.end())
    return Error(Code::not_found, "memory block: there is none at address " + std::to_string(base));
  return entry->second.block;
}

Status FakeMemory::scrub(std::uint64_t base) {
  const std::shared_ptr<FakeBlock> block = TRY(get(base));
  if (::fallocate(block->fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                  static_cast<off_t>(block->mapping.size())) != 0)
    return last_errno("fake block: scrub");
  const std::lock_guard lock(mutex_);
  entries_.at(base).clean = true;
  return {};
}

void FakeMemory::mark_used(std::uint64_t base) {
  const std::lock_guard lock(mutex_);
  entries_.at(base).clean = false;
}

bool FakeMemory::is_clean(std::uint64_t base) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(base);
  return entry != entries_.end() && entry->second.clean;
}

}  // namespace hobbes::bridge
