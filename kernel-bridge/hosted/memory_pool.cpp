// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/memory_pool.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/parse.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::bridge {
namespace {

/// Descriptors that the rest of the process may need beside one for each block.
constexpr std::uint64_t other_descriptors = 1024;

std::string in_mib(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

Result<Bytes> available_memory() {
  std::ifstream meminfo("/proc/meminfo");
  constexpr std::string_view field = "MemAvailable:";
  for (std::string line; std::getline(meminfo, line);) {
    if (!line.starts_with(field)) continue;
    const std::size_t first = line.find_first_of("0123456789");
    const std::size_t last = line.find_last_of("0123456789");
    if (first == line.npos) break;
    return kib(TRY(parse_u64(std::string_view(line).substr(first, last + 1 - first), "MemAvailable")));
  }
  return Error(Code::unsupported, "memory for enclaves: /proc/meminfo does not say how much is available");
}

/// Nodes with memory; {any_numa} where Linux does not tell.
std::vector<NumaId> memory_nodes() {
  std::ifstream list("/sys/devices/system/node/has_memory");
  std::string text;
  if (!std::getline(list, text)) return {any_numa};
  const auto numbers = parse_cpu_list(text, "NUMA nodes with memory");  // the kernel writes both lists alike
  if (!numbers || numbers->empty()) return {any_numa};
  std::vector<NumaId> nodes;
  for (const CpuId number : *numbers) nodes.emplace_back(static_cast<std::int32_t>(number.value));
  return nodes;
}

/// One descriptor stays open for each block, and the usual soft limit is 1024.
Status allow_descriptors(std::uint64_t count) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return last_errno("memory for enclaves: descriptor limit");
  const std::uint64_t wanted = count + other_descriptors;
  if (limit.rlim_cur >= wanted) return {};
  if (limit.rlim_max < wanted)
    return Error(Code::exhausted, "memory for enclaves: " + std::to_string(count) +
                                      " blocks need a descriptor each, the limit is " +
                                      std::to_string(limit.rlim_max) + ": choose a larger block size");
  limit.rlim_cur = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return last_errno("memory for enclaves: raise the descriptor limit");
  return {};
}

Status check_request(Bytes amount, Bytes block_size) {
  if (block_size.value == 0 || block_size.value % huge_page.value != 0)
    return Error(Code::invalid,
                 "block size: " + std::to_string(block_size.value) + " bytes is not a multiple of 2 MiB");
  if (amount.value > HOBBES_HOSTED_FIRST_LENT - HOBBES_HOSTED_FIRST_BLOCK - block_size.value)
    return Error(Code::invalid,
                 "memory for enclaves: " + in_mib(amount.value) + " is more than the hosted bridge can address");
  const Bytes available = TRY(available_memory());
  if (amount > available)
    return Error(Code::exhausted, "memory for enclaves: " + in_mib(amount.value) + " wanted, " +
                                      in_mib(available.value) + " available on this node");
  return {};
}

/// The kernel takes milliseconds for 2 MiB of new memory; enclaves that are being made on the same CPUs come first.
void step_back() {
  constexpr int last_in_line = 19;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), last_in_line);  // of this thread; it may always be raised
}

}  // namespace

Result<std::vector<MemoryBlock>> MemoryPool::provide(Bytes amount, Bytes block_size) {
  TRY(check_request(amount, block_size));
  const std::uint64_t count = (amount.value + block_size.value - 1) / block_size.value;
  TRY(allow_descriptors(count));
  const std::vector<NumaId> nodes = memory_nodes();

  std::vector<MemoryBlock> blocks;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t base = HOBBES_HOSTED_FIRST_BLOCK + i * block_size.value;
    // Neighbouring blocks share a node: node k has the k-th part of all.
    blocks.push_back({base, block_size, nodes[i * nodes.size() / count], std::string(being_prepared)});
  }
  std::vector<Block> made;  // all, or none is added
  for (const MemoryBlock& block : blocks) made.push_back(TRY(Block::create(block.size, block.numa)));
  for (std::size_t i = 0; i < count; ++i) TRY(add(blocks[i].base, std::move(made[i])));
  return blocks;
}

Status MemoryPool::restore(const MemoryBlock& block) {
  {
    const std::lock_guard lock(mutex_);
    if (entries_.contains(block.base)) return {};
    TRY(allow_descriptors(entries_.size() + 1));
  }
  return add(block.base, TRY(Block::create(block.size, block.numa)));
}

Status MemoryPool::take_in(std::uint64_t base, UniqueFd memfd, Bytes size) {
  if (base % huge_page.value != 0 || base < HOBBES_HOSTED_FIRST_BLOCK || base >= HOBBES_HOSTED_FIRST_LENT ||
      size.value > HOBBES_HOSTED_FIRST_LENT - base)
    return Error(Code::corrupt, "memory block: an enclave reports one at an impossible address");
  const std::lock_guard lock(mutex_);
  if (const auto known = entries_.find(base); known != entries_.end() && known->second.block->is_file(memfd.get()))
    return {};
  if (overlaps(base, size)) return Error(Code::exists, "memory block: an enclave reports one at another's address");
  TRY(allow_descriptors(entries_.size() + 1));
  Block block = TRY(Block::receive(std::move(memfd), size, any_numa));
  std::string backing = TRY(block.describe_backing({}));
  Entry& entry = entries_[base];
  entry.block = std::make_shared<Block>(std::move(block));
  entry.backing = std::move(backing);
  entry.shared = true;  // an earlier leviathan may have done so
  return {};
}

bool MemoryPool::overlaps(std::uint64_t base, Bytes size) const {
  const auto next = entries_.lower_bound(base);
  if (next != entries_.end() && next->first - base < size.value) return true;
  return next != entries_.begin() && base - std::prev(next)->first < std::prev(next)->second.block->size().value;
}

Result<std::shared_ptr<Block>> MemoryPool::get(std::uint64_t base) {
  std::unique_lock lock(mutex_);
  Entry& entry = *TRY(find(base));
  entry.needed = true;
  while (!entry.backing) {
    if (entry.in_work) {
      changed_.wait(lock);
    } else {
      prepare(lock, entry, [] { return false; });
    }
  }
  if (!*entry.backing) return entry.backing->error();
  return entry.block;
}

Result<std::string> MemoryPool::backing(std::uint64_t base) {
  std::unique_lock lock(mutex_);
  Entry& entry = *TRY(find(base));
  changed_.wait(lock, [&entry] { return entry.backing.has_value(); });
  return *entry.backing;
}

Status MemoryPool::scrub(std::uint64_t base) {
  const std::shared_ptr<Block> block = TRY(get(base));
  const std::lock_guard lock(mutex_);
  Entry& entry = *TRY(find(base));
  if (!entry.shared) {
    block->scrub();
    return {};
  }
  entry.block = std::make_shared<Block>(TRY(Block::create(block->size(), block->numa())));
  entry.backing.reset();
  entry.shared = entry.needed = false;
  changed_.notify_all();
  return {};
}

Result<UniqueFd> MemoryPool::share(std::uint64_t base) {
  const std::shared_ptr<Block> block = TRY(get(base));
  UniqueFd fd(::fcntl(block->fd(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return last_errno("memory block: duplicate its descriptor");
  const std::lock_guard lock(mutex_);
  TRY(find(base))->shared = true;
  return fd;
}

Status MemoryPool::add(std::uint64_t base, Block block) {
  const std::lock_guard lock(mutex_);
  const auto [place, added] = entries_.try_emplace(base);
  if (!added) return Error(Code::exists, "memory block: its address is another block's");
  place->second.block = std::make_shared<Block>(std::move(block));
  if (!preparer_.joinable())
    preparer_ = std::jthread([this](const std::stop_token& stop) { prepare_in_background(stop); });
  changed_.notify_all();
  return {};
}

void MemoryPool::prepare_in_background(const std::stop_token& stop) {
  step_back();
  std::unique_lock lock(mutex_);
  const auto is_work = [this] { return next_unprepared() != nullptr; };
  while (changed_.wait(lock, stop, is_work) && !stop.stop_requested()) {
    Entry& entry = *next_unprepared();
    prepare(lock, entry, [&] { return stop.stop_requested() || entry.needed; });
  }
}

Result<MemoryPool::Entry*> MemoryPool::find(std::uint64_t base) {
  const auto place = entries_.find(base);
  if (place == entries_.end())
    return Error(Code::not_found, "memory block: there is none at address " + std::to_string(base));
  return &place->second;
}

MemoryPool::Entry* MemoryPool::next_unprepared() {
  const auto next = std::ranges::find_if(
      entries_, [](const auto& item) { return !item.second.backing && !item.second.in_work && !item.second.needed; });
  return next == entries_.end() ? nullptr : &next->second;
}

void MemoryPool::prepare(std::unique_lock<std::mutex>& lock, Entry& entry, const std::function<bool()>& stop) {
  entry.in_work = true;
  const std::shared_ptr<Block> block = entry.block;
  lock.unlock();
  Result<std::string> backing = block->prepare(stop);
  lock.lock();
  entry.in_work = false;
  if (backing || backing.error().code() != Code::busy) entry.backing = std::move(backing);
  changed_.notify_all();
}

}  // namespace hobbes::bridge
