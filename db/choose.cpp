// SPDX-License-Identifier: Apache-2.0
#include "db/choose.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace hobbes::db {
namespace {

std::string counted(std::size_t count, std::string_view noun) {
  std::string text = std::to_string(count) + " " + std::string(noun);
  if (count != 1) text += "s";
  return text;
}

std::string on_node(NumaId numa) { return numa == any_numa ? "" : " on NUMA node " + std::to_string(numa.value); }

Error none_asked(std::string_view noun) { return {Code::invalid, "0 " + std::string(noun) + "s asked for"}; }

Error too_few(std::size_t asked, std::size_t free, std::string_view noun, NumaId numa) {
  return {Code::exhausted, counted(asked, noun) + " asked for" + on_node(numa) + ", " + std::to_string(free) + " free"};
}

template <typename Record>
Result<std::vector<Record>> free_ones(const ReadTxn& txn, NumaId numa) {
  auto records = TRY(txn.list_by_state<Record>(ResourceState::free));
  if (numa != any_numa) std::erase_if(records, [numa](const Record& record) { return record.numa != numa; });
  return records;
}

template <typename Record>
std::map<NumaId, std::vector<Record>> by_node(std::vector<Record> records) {
  std::map<NumaId, std::vector<Record>> nodes;
  for (Record& record : records) nodes[record.numa].push_back(std::move(record));
  return nodes;
}

/// The node with the least that is enough, by `amount` of its records: large nodes stay whole. Null if none has enough.
template <typename Record, typename Amount>
const std::vector<Record>* tightest(const std::map<NumaId, std::vector<Record>>& nodes, std::size_t wanted,
                                    Amount amount) {
  const std::vector<Record>* best = nullptr;
  for (const auto& [numa, records] : nodes) {
    if (amount(records) >= wanted && (best == nullptr || amount(records) < amount(*best))) best = &records;
  }
  return best;
}

// CPUs ---------------------------------------------------------------------------------------------------------------

/// How many slots of each CPU somebody has.
Result<std::map<CpuId, std::size_t>> slots_in_use(const ReadTxn& txn) {
  std::map<CpuId, std::size_t> used;
  for (const Cpu& cpu : TRY(txn.list<Cpu>())) used[cpu.id] += cpu.state != ResourceState::free;
  return used;
}

std::size_t distinct_cpus(const std::vector<Cpu>& cpus) {
  std::set<CpuId> ids;
  for (const Cpu& cpu : cpus) ids.insert(cpu.id);
  return ids.size();
}

/// Takes the best CPU `count` times, each time in the light of those taken before.
std::vector<Cpu> take_cpus(std::vector<Cpu> candidates, std::size_t count, std::map<CpuId, std::size_t> used) {
  using Core = std::pair<std::uint32_t, std::uint32_t>;
  std::map<CpuId, std::size_t> taken_of_cpu;
  std::map<Core, std::size_t> taken_of_core;
  std::vector<Cpu> chosen;
  while (chosen.size() < count) {
    // Smaller is better: a CPU not chosen yet, on a core not chosen yet, shared with few, next to its neighbours.
    const auto badness = [&](const Cpu& cpu) {
      return std::tuple(taken_of_cpu[cpu.id], taken_of_core[{cpu.package, cpu.core}], used[cpu.id], cpu.package,
                        cpu.core, cpu.id, cpu.slot);
    };
    const auto best = std::min_element(candidates.begin(), candidates.end(),
                                       [&](const Cpu& a, const Cpu& b) { return badness(a) < badness(b); });
    ++taken_of_cpu[best->id];
    ++taken_of_core[{best->package, best->core}];
    chosen.push_back(*best);
    candidates.erase(best);
  }
  return chosen;
}

// Memory -------------------------------------------------------------------------------------------------------------

/// A hole: free blocks, each beginning where the one before ends.
using Hole = std::vector<MemoryBlock>;

bool adjacent(const MemoryBlock& left, const MemoryBlock& right) {
  return left.base.value + left.size.value == right.base.value;
}

/// `blocks` are in the order of their addresses.
std::vector<Hole> holes_in(const std::vector<MemoryBlock>& blocks) {
  std::vector<Hole> holes;
  for (const MemoryBlock& block : blocks) {
    if (holes.empty() || !adjacent(holes.back().back(), block)) holes.emplace_back();
    holes.back().push_back(block);
  }
  return holes;
}

/// The smallest hole that is large enough; null if none is.
const Hole* best_fit(const std::vector<Hole>& holes, std::size_t count) {
  const Hole* best = nullptr;
  for (const Hole& hole : holes) {
    if (hole.size() >= count && (best == nullptr || hole.size() < best->size())) best = &hole;
  }
  return best;
}

Hole first_of(const Hole& hole, std::size_t count) {
  return {hole.begin(), hole.begin() + static_cast<std::ptrdiff_t>(count)};
}

Result<std::vector<MemoryBlock>> choose_contiguous(const std::vector<MemoryBlock>& free, std::size_t count,
                                                   NumaId numa) {
  // A hole may cross from one node into the next; one inside a node is better.
  std::vector<Hole> inside;
  for (const auto& [node, blocks] : by_node(free)) {
    for (Hole& hole : holes_in(blocks)) inside.push_back(std::move(hole));
  }
  if (const Hole* hole = best_fit(inside, count)) return first_of(*hole, count);

  const std::vector<Hole> holes = holes_in(free);
  if (const Hole* hole = best_fit(holes, count)) return first_of(*hole, count);

  std::size_t longest = 0;
  for (const Hole& hole : holes) longest = std::max(longest, hole.size());
  return Error(Code::exhausted, counted(count, "contiguous memory block") + " asked for" + on_node(numa) + ", " +
                                    std::to_string(free.size()) + " free, at most " + std::to_string(longest) +
                                    " of them contiguous");
}

std::vector<MemoryBlock> from_smallest_holes(const std::vector<MemoryBlock>& blocks, std::size_t count) {
  std::vector<Hole> holes = holes_in(blocks);
  std::stable_sort(holes.begin(), holes.end(), [](const Hole& a, const Hole& b) { return a.size() < b.size(); });
  std::vector<MemoryBlock> chosen;
  for (const Hole& hole : holes) {
    for (const MemoryBlock& block : hole) {
      if (chosen.size() < count) chosen.push_back(block);
    }
  }
  std::sort(chosen.begin(), chosen.end(),
            [](const MemoryBlock& a, const MemoryBlock& b) { return a.base < b.base; });
  return chosen;
}

}  // namespace

Result<std::vector<Cpu>> choose_cpus(const ReadTxn& txn, std::size_t count, NumaId numa) {
  if (count == 0) return none_asked("CPU");
  const auto free = TRY(free_ones<Cpu>(txn, numa));
  if (free.size() < count) return too_few(count, free.size(), "CPU", numa);
  auto used = TRY(slots_in_use(txn));
  const auto nodes = by_node(free);
  // First a node where every one is a CPU of its own, then one that has slots enough, then the whole machine.
  if (const auto* node = tightest(nodes, count, distinct_cpus)) return take_cpus(*node, count, std::move(used));
  if (distinct_cpus(free) < count) {
    const auto size = [](const std::vector<Cpu>& cpus) { return cpus.size(); };
    if (const auto* node = tightest(nodes, count, size)) return take_cpus(*node, count, std::move(used));
  }
  return take_cpus(free, count, std::move(used));
}

Result<std::vector<Cpu>> choose_cpus(const ReadTxn& txn, const std::vector<CpuId>& ids) {
  if (ids.empty()) return none_asked("CPU");
  std::map<CpuId, std::vector<Cpu>> free;
  std::set<CpuId> known;
  for (const Cpu& cpu : TRY(txn.list<Cpu>())) {
    known.insert(cpu.id);
    if (cpu.state == ResourceState::free) free[cpu.id].push_back(cpu);
  }
  std::vector<Cpu> chosen;
  for (const CpuId id : ids) {
    std::vector<Cpu>& slots = free[id];
    if (!known.contains(id)) return Error(Code::not_found, describe(CpuKey{id, 0}) + " does not exist");
    if (slots.empty()) return Error(Code::busy, describe(CpuKey{id, 0}) + " is not free");
    chosen.push_back(slots.front());
    slots.erase(slots.begin());
  }
  return chosen;
}

Result<std::vector<MemoryBlock>> choose_blocks(const ReadTxn& txn, std::size_t count, NumaId numa, bool contiguous) {
  if (count == 0) return none_asked("memory block");
  const auto free = TRY(free_ones<MemoryBlock>(txn, numa));
  if (free.size() < count) return too_few(count, free.size(), "memory block", numa);
  if (contiguous) return choose_contiguous(free, count, numa);
  const auto nodes = by_node(free);
  const auto size = [](const std::vector<MemoryBlock>& blocks) { return blocks.size(); };
  const auto* node = tightest(nodes, count, size);
  return from_smallest_holes(node != nullptr ? *node : free, count);
}

Result<std::vector<MemoryBlock>> choose_blocks_at(const ReadTxn& txn, PhysAddr base, std::size_t count) {
  if (count == 0) return none_asked("memory block");
  std::vector<MemoryBlock> chosen;
  for (PhysAddr next = base; chosen.size() < count;) {
    auto block = TRY(txn.get<MemoryBlock>(next));
    if (!block) return Error(Code::not_found, describe(next) + " does not exist");
    if (block->state != ResourceState::free) return Error(Code::busy, describe(next) + " is not free");
    next = PhysAddr(next.value + block->size.value);
    chosen.push_back(std::move(*block));
  }
  return chosen;
}

std::size_t blocks_for(Bytes size, Bytes block_size) {
  return block_size.value == 0 ? 0 : size.value / block_size.value + (size.value % block_size.value != 0);
}

}  // namespace hobbes::db
