// SPDX-License-Identifier: Apache-2.0
#include "leviathan/reshape.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "base/log.hpp"
#include "db/choose.hpp"

namespace hobbes::leviathan {
namespace {

using db::ResourceState;

std::string size_text(Bytes size) { return std::to_string(size.value / mib(1).value) + " MiB"; }

bool contains(const std::vector<db::Cpu>& cpus, CpuId id) {
  return std::ranges::find(cpus, id, &db::Cpu::id) != cpus.end();
}

/// Its owner decides about it, or an operation that is under way.
bool is_taken(const db::Cpu& cpu) {
  const bool linuxs = cpu.state == ResourceState::allocated && cpu.owner == master_enclave;
  return !linuxs && (cpu.state == ResourceState::allocated || cpu.state == ResourceState::reserved);
}

std::string owner_of(db::WriteTxn& txn, const db::Cpu& cpu) {
  const auto owner = cpu.owner ? txn.get<db::Enclave>(*cpu.owner) : std::optional<db::Enclave>();
  return owner && *owner ? "enclave '" + (*owner)->name + "'" : "an enclave";
}

Error in_the_way(db::WriteTxn& txn, const db::Cpu& cpu) {
  return {Code::busy, "CPU " + std::to_string(cpu.id.value) + ": belongs to " + owner_of(txn, cpu) +
                          ": remove it there first, or start leviathan with the CPU options it had"};
}

/// Nobody's.
Status put_as(db::WriteTxn& txn, db::Cpu cpu, ResourceState state) {
  cpu.state = state;
  cpu.owner.reset();
  cpu.logical_id = db::no_logical_id;
  return txn.put(cpu);
}

Status share_anew(db::WriteTxn& txn, const Wishes& wishes) {
  std::map<db::CpuKey, db::Cpu> known;
  for (const db::Cpu& cpu : TRY(txn.list<db::Cpu>())) known.emplace(cpu.key(), cpu);
  for (const db::Cpu& wanted : TRY(share_out(wishes.cpus_found, *wishes.cpus))) {
    const auto entry = known.extract(wanted.key());
    const bool linuxs = wanted.state == ResourceState::allocated;
    if (entry && is_taken(entry.mapped())) {
      if (linuxs) return in_the_way(txn, entry.mapped());
      continue;
    }
    TRY(txn.put(wanted));
  }
  for (const auto& [key, cpu] : known) {  // shares that there are no more
    if (!contains(wishes.cpus_found, cpu.id)) continue;
    if (is_taken(cpu)) return in_the_way(txn, cpu);
    TRY(txn.erase<db::Cpu>(key));
  }
  auto meta = TRY(txn.meta());
  meta.cpu_overcommit = wishes.cpus->slots;
  return txn.put_meta(meta);
}

Status note_offline(db::WriteTxn& txn, const std::vector<db::Cpu>& found) {
  for (const db::Cpu& cpu : TRY(txn.list<db::Cpu>())) {
    const bool usable = contains(found, cpu.id);
    if (!usable && is_taken(cpu)) {
      log::warning("CPU " + std::to_string(cpu.id.value) + ": is offline, and belongs to " + owner_of(txn, cpu));
    } else if (!usable && cpu.state != ResourceState::invalid) {
      TRY(put_as(txn, cpu, ResourceState::invalid));
    } else if (usable && cpu.state == ResourceState::invalid) {
      TRY(put_as(txn, cpu, ResourceState::free));
    }
  }
  return {};
}

/// What was done outside of the database: undone if that does not change, finished if it does.
struct Moves {
  std::vector<std::uint64_t> taken, to_give_back;
};

void give_back(const LinuxMemorySource& source, const std::vector<std::uint64_t>& blocks) {
  for (const std::uint64_t base : blocks)
    if (const Status back = source.give_back(base); !back) log::warning(back.error().text());
}

Status take_more(db::WriteTxn& txn, const LinuxMemorySource& source, Bytes amount, Moves& moves) {
  const auto blocks = TRY(source.take(amount));
  for (const bridge::MemoryBlock& block : blocks) moves.taken.push_back(block.base);
  for (const bridge::MemoryBlock& block : blocks) TRY(put_block(txn, block));
  return {};
}

Status make_more(db::WriteTxn& txn, const std::vector<db::MemoryBlock>& blocks, std::size_t count, Bytes available) {
  db::MemoryBlock block;
  block.size = TRY(txn.meta()).block_size;
  // Free blocks went with the leviathan before this one: they are made again.
  const auto held = std::ranges::count_if(blocks, [](const auto& known) { return known.state != ResourceState::free; });
  const Bytes needed = block.size * (count - static_cast<std::size_t>(held));
  if (needed > available)
    return Error(Code::exhausted, "--memory: " + size_text(needed) + " more are needed, " + size_text(available) +
                                      " available on this node");
  std::uint64_t base = blocks.back().base.value + blocks.back().size.value;
  for (std::size_t made = blocks.size(); made < count; ++made, base += block.size.value) {
    block.base = db::PhysAddr(base);
    block.numa = blocks[made % blocks.size()].numa;  // spread as those there are
    TRY(txn.put(block));
  }
  return {};
}

Status shrink(db::WriteTxn& txn, const std::vector<db::MemoryBlock>& blocks, std::size_t count, Moves& moves) {
  std::size_t left = blocks.size();
  for (auto block = blocks.rbegin(); block != blocks.rend() && left > count; ++block) {
    if (block->state != ResourceState::free) continue;
    TRY(txn.erase<db::MemoryBlock>(block->base));
    moves.to_give_back.push_back(block->base.value);
    --left;
  }
  if (left == count) return {};
  const Bytes size = TRY(txn.meta()).block_size;
  return Error(Code::busy, "--memory: " + size_text(size * left) + " are in use by enclaves, more than the " +
                               size_text(size * count) + " asked for: destroy some first, or ask for more");
}

Status check_block_size(db::WriteTxn& txn, Bytes wanted) {
  const Bytes known = TRY(txn.meta()).block_size;
  if (wanted == known) return {};
  return Error(Code::invalid, "--block-size: " + size_text(wanted) + " asked for, but this node's memory is in blocks of " +
                                  size_text(known) +
                                  ": leave the option out, or remove the run directory when all enclaves are destroyed");
}

Status resize(db::WriteTxn& txn, const Wishes& wishes, Moves& moves) {
  auto blocks = TRY(txn.list<db::MemoryBlock>());
  if (blocks.empty()) return {};
  std::ranges::sort(blocks, {}, &db::MemoryBlock::base);
  const Bytes size = TRY(txn.meta()).block_size;
  const std::size_t count = db::blocks_for(*wishes.memory, size);
  if (count <= blocks.size()) return shrink(txn, blocks, count, moves);
  if (wishes.source) return take_more(txn, *wishes.source, size * (count - blocks.size()), moves);
  return make_more(txn, blocks, count, wishes.available);
}

Status reshape(db::Environment& environment, const Wishes& wishes, Moves& moves) {
  auto txn = TRY(environment.write());
  if (wishes.block_size) TRY(check_block_size(txn, *wishes.block_size));
  if (wishes.memory) TRY(resize(txn, wishes, moves));
  if (wishes.cpus) TRY(share_anew(txn, wishes));
  TRY(note_offline(txn, wishes.cpus_found));
  return std::move(txn).commit();
}

}  // namespace

Status reshape(db::Environment& environment, const Wishes& wishes) {
  Moves moves;
  Status reshaped = reshape(environment, wishes, moves);
  if (wishes.source) give_back(*wishes.source, reshaped ? moves.to_give_back : moves.taken);
  return reshaped;
}

std::vector<db::Cpu> offline_cpus(const std::vector<db::Cpu>& found, const std::vector<CpuId>& present) {
  std::vector<db::Cpu> offline;
  for (const CpuId id : present) {
    if (contains(found, id)) continue;
    db::Cpu cpu;
    cpu.id = id;
    cpu.apic_id = id.value;
    cpu.numa = any_numa;
    cpu.state = ResourceState::invalid;
    offline.push_back(cpu);
  }
  return offline;
}

}  // namespace hobbes::leviathan
