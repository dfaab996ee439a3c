// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/linux/linux_memory.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>

#include "base/log.hpp"

namespace hobbes::bridge {
namespace {

namespace fs = std::filesystem;

const fs::path memory = "sys/devices/system/memory";
const fs::path nodes = "sys/devices/system/node";

std::string hex(std::uint64_t value) {
  char text[16];
  const auto end = std::to_chars(text, text + sizeof text, value, 16).ptr;
  return "0x" + std::string(text, end);
}

fs::path directory_of(std::uint64_t number) { return memory / ("memory" + std::to_string(number)); }

/// Those that can be emptied, by node, each node's highest first: the kernel's own pages gather at the low end.
std::map<NumaId, std::deque<LinuxBlock>> movable_blocks(const std::vector<LinuxBlock>& blocks) {
  std::map<NumaId, std::deque<LinuxBlock>> by_node;
  for (const LinuxBlock& block : blocks)
    if (block.movable) by_node[block.numa].push_front(block);
  return by_node;
}

}  // namespace

Result<Bytes> LinuxMemory::block_size() const {
  const auto text = files_.read(memory / "block_size_bytes");
  if (!text) return Error(Code::unsupported, "memory blocks: this Linux cannot give memory up: " + text.error().text());
  std::uint64_t size = 0;
  const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), size, 16);
  if (failure != std::errc() || end != text->data() + text->size() || size == 0)
    return Error(Code::corrupt, "memory blocks: a size of '" + *text + "'");
  return Bytes(size);
}

NumaId LinuxMemory::node_of(std::uint64_t number) const {
  for (const std::uint64_t node : files_.numbered(nodes, "node"))
    if (files_.exists(nodes / ("node" + std::to_string(node)) / ("memory" + std::to_string(number))))
      return NumaId(static_cast<std::int32_t>(node));
  return any_numa;
}

Result<std::vector<LinuxBlock>> LinuxMemory::blocks() const {
  const Bytes size = TRY(block_size());
  std::vector<LinuxBlock> found;
  for (const std::uint64_t number : files_.numbered(memory, "memory")) {
    const fs::path directory = directory_of(number);
    const std::string state = TRY(files_.read(directory / "state"));
    const auto zones = files_.read(directory / "valid_zones");
    const bool online = state == "online";
    found.push_back({number * size.value, size, node_of(number), online, online && zones && *zones == "Movable"});
  }
  return found;
}

Result<fs::path> LinuxMemory::file_of(std::uint64_t base) const {
  const Bytes size = TRY(block_size());
  const fs::path directory = directory_of(base / size.value);
  if (base % size.value != 0 || !files_.exists(directory))
    return Error(Code::not_found, "memory block " + hex(base) + ": Linux has none there");
  return directory / "state";
}

Status LinuxMemory::take_block(std::uint64_t base) const {
  const fs::path file = TRY(file_of(base));
  const std::string state = TRY(files_.read(file));
  if (state == "offline") return {};
  if (auto offline = files_.write(file, "offline"); !offline)
    return std::move(offline).error().in("memory block " + hex(base) + ": Linux cannot empty it");
  return {};
}

Status LinuxMemory::give_back(std::uint64_t base) const {
  const fs::path file = TRY(file_of(base));
  const std::string state = TRY(files_.read(file));
  if (state == "online") return {};
  if (auto online = files_.write(file, "online_movable"); !online)
    return std::move(online).error().in("memory block " + hex(base) + ": Linux does not take it back");
  return {};
}

Result<std::vector<LinuxBlock>> LinuxMemory::take(std::size_t count) const {
  auto by_node = movable_blocks(TRY(blocks()));
  std::vector<LinuxBlock> taken;
  while (taken.size() < count && !by_node.empty()) {
    for (auto node = by_node.begin(); node != by_node.end() && taken.size() < count;) {
      LinuxBlock block = node->second.front();
      node->second.pop_front();
      if (const Status offline = take_block(block.base); offline) {
        block.online = block.movable = false;
        taken.push_back(block);
      } else {
        log::debug(offline.error().text());
      }
      node = node->second.empty() ? by_node.erase(node) : std::next(node);
    }
  }
  if (taken.size() == count) return taken;
  for (const LinuxBlock& block : taken)
    if (const Status back = give_back(block.base); !back) log::warning(back.error().text());
  return Error(Code::exhausted, "memory: Linux can give up " + std::to_string(taken.size()) + " blocks of the " +
                                    std::to_string(count) + " wanted: boot it with movablecore=, or ask for less");
}

}  // namespace hobbes::bridge
