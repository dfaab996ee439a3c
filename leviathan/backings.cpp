// SPDX-License-Identifier: Apache-2.0
// Backings: see the header.
#include "leviathan/backings.hpp"

#include "base/log.hpp"

namespace hobbes::leviathan {
namespace {

Result<std::vector<db::MemoryBlock>> all_blocks(Node& node) {
  const auto txn = TRY(node.db().read());
  return txn.list<db::MemoryBlock>();
}

Status record(Node& node, db::PhysAddr base) {
  const std::string backing = TRY(node.bridge().backing(base.value));
  auto txn = TRY(node.db().write());
  auto block = TRY(txn.get<db::MemoryBlock>(base));
  if (!block || block->backing == backing) return {};
  block->backing = backing;
  TRY(txn.put(*block));
  return std::move(txn).commit();
}

}  // namespace

void record_backings(Node& node, const std::atomic<bool>& enough) {
  const auto blocks = all_blocks(node);
  if (!blocks) return log::error(blocks.error());
  for (const db::MemoryBlock& block : *blocks) {
    if (enough) return;
    if (const Status recorded = record(node, block.base); !recorded) log::warning(recorded.error().text());
  }
}

}  // namespace hobbes::leviathan
