// SPDX-License-Identifier: Apache-2.0
// Memory blocks between the pool and enclaves.
#include "leviathan/resources/memory.hpp"

#include <algorithm>
#include <mutex>
#include <set>

#include "cmdqueue/message.hpp"
#include "kernel-bridge/abi/queue.h"
#include "leviathan/apps/proxy_blocks.hpp"
#include "leviathan/fault_point.hpp"
#include "leviathan/refusal.hpp"

namespace hobbes::leviathan::resources {
namespace {

Result<std::vector<db::MemoryBlock>> blocks_of(Node& node, const db::Resources& resources) {
  const auto txn = TRY(node.db().read());
  std::vector<db::MemoryBlock> blocks;
  for (const db::PhysAddr base : resources.blocks) {
    auto block = TRY(txn.get<db::MemoryBlock>(base));
    if (!block) return Error(Code::corrupt, "memory block " + std::to_string(base.value) + ": is in the journal only");
    blocks.push_back(*std::move(block));
  }
  return blocks;
}

Result<std::set<std::uint64_t>> bases_in(bridge::Machine& machine) {
  std::set<std::uint64_t> bases;
  for (const bridge::MemoryFile& file : TRY(machine.memory_files())) bases.insert(file.base);
  return bases;
}

Status tell(LiveEnclave& enclave, std::uint32_t code, const db::MemoryBlock& block) {
  const hobbes_memory_command command{block.base.value, block.size.value, block.numa.value, 0};
  const auto answer = enclave.control.call(code, cmdqueue::payload_of_struct(command), kernel_patience);
  return answer ? Status() : Status(refusal_of("memory block " + std::to_string(block.base.value), answer.error()));
}

class MemoryPlug final : public Plug {
 public:
  db::OperationKind assign_kind() const override { return db::OperationKind::assign_memory; }
  db::OperationKind remove_kind() const override { return db::OperationKind::remove_memory; }
  std::string_view assign_reserved() const override { return fault::assign_memory_reserved; }
  std::string_view assign_plugged() const override { return fault::assign_memory_plugged; }
  std::string_view remove_reserved() const override { return fault::remove_memory_reserved; }
  std::string_view remove_unplugged() const override { return fault::remove_memory_unplugged; }

  Status plug(Node& node, LiveEnclave* enclave, const db::Resources& resources) const override {
    if (enclave == nullptr) return {};
    for (const db::MemoryBlock& block : TRY(blocks_of(node, resources))) {
      TRY(enclave->machine->add_memory({block.base.value, block.size, block.numa, block.backing}));
      TRY(tell(*enclave, HOBBES_CMD_ADD_MEM, block));
      apps::give_to_proxies(*enclave, block.base.value);
    }
    return {};
  }

  Status unplug(Node& node, LiveEnclave* enclave, const db::Resources& resources) const override {
    if (enclave == nullptr) return {};
    const auto plugged = TRY(bases_in(*enclave->machine));
    for (const db::MemoryBlock& block : TRY(blocks_of(node, resources))) {
      if (!plugged.contains(block.base.value)) continue;
      const Status told = tell(*enclave, HOBBES_CMD_REMOVE_MEM, block);
      if (!told && told.error().code() != Code::not_found) return told;
      const std::lock_guard lock(enclave->proxies.memory);
      TRY(enclave->machine->remove_memory(block.base.value));
      TRY(apps::take_from_proxies(*enclave, block.base.value, block.size));
    }
    return {};
  }
};

std::string size_text(Bytes size) { return std::to_string(size.value / mib(1).value) + " MiB"; }

std::string rounding(Bytes asked, Bytes given) {
  return asked == given ? "" : "rounded " + size_text(asked) + " up to whole memory blocks\n";
}

/// The enclave's blocks that could go, the last ones first, never the one it booted from.
Result<std::vector<db::Resources>> removable(Node& node, const Target& target, NumaId numa) {
  std::uint64_t boot_block = UINT64_MAX;
  if (target.live) {
    const auto files = TRY(target.live->machine->memory_files());
    if (!files.empty()) boot_block = files.front().base;
  }
  const auto txn = TRY(node.db().read());
  std::vector<db::Resources> candidates;
  for (const db::MemoryBlock& block : TRY(txn.list_by_owner<db::MemoryBlock>(target.id))) {
    if (block.state != db::ResourceState::allocated || block.base.value == boot_block) continue;
    if (block.app) continue;  // an application of Linux works in it (launch_app --hpmmap)
    if (numa != any_numa && block.numa != numa) continue;
    candidates.push_back({{}, {block.base}, {}});
  }
  std::ranges::reverse(candidates);
  return candidates;
}

Status check_size(const protocol::ChangeMemory& request) {
  return request.size.value == 0 ? Status(Error(Code::invalid, "memory: a size of 0 asks for nothing")) : Status();
}

}  // namespace

const Plug& memory_plug() {
  static const MemoryPlug plug;
  return plug;
}

Result<std::string> assign_memory(Node& node, const protocol::ChangeMemory& request) {
  TRY(check_size(request));
  const auto to = TRY(target(node, request.enclave));
  const std::size_t count = db::blocks_for(request.size, node.block_size());
  TRY(assign(node, to, memory_plug(),
             [&](Chooser& chooser) { return chooser.blocks(count, request.numa, request.contiguous); }));
  const Bytes given = node.block_size() * count;
  return rounding(request.size, given) + "Assigned " + size_text(given) + " of " +
         (request.contiguous ? "contiguous" : "possibly discontiguous") + " memory to enclave " + to.name;
}

Result<std::string> remove_memory(Node& node, const protocol::ChangeMemory& request) {
  TRY(check_size(request));
  const auto from = TRY(target(node, request.enclave));
  const std::size_t count = db::blocks_for(request.size, node.block_size());
  const auto candidates = TRY(removable(node, from, request.numa));
  if (candidates.size() < count) {
    return Error(Code::exhausted, "enclave '" + from.name + "': " + size_text(node.block_size() * candidates.size()) +
                                      " of its memory can be removed, the block it booted from stays");
  }
  TRY(remove(node, from, memory_plug(), candidates, count));
  const Bytes taken = node.block_size() * count;
  return rounding(request.size, taken) + "Removed " + size_text(taken) + " of memory from enclave " + from.name;
}

}  // namespace hobbes::leviathan::resources
