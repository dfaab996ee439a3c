// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/linux_memory.hpp"

#include <unistd.h>

#include "db/choose.hpp"
#include "leviathan/apps/helper.hpp"
#include "leviathan/apps/user.hpp"

namespace hobbes::leviathan::apps {
namespace {

constexpr Bytes default_size = mib(256);
constexpr int standard_descriptors = 3;

std::string size_text(Bytes size) { return std::to_string(size.value / mib(1).value) + " MiB"; }

/// Its owner may open it, and nobody else: so may the program, which has no descriptor of it.
Status give_to(const UniqueFd& file, const std::optional<User>& user) {
  if (user && ::fchown(file.get(), user->uid, user->gid) != 0) return last_errno("memory block: giving it to its user");
  return {};
}

/// What starts the program instead of itself (hpmmap/options.hpp).
Status use_memory(keeper::Job& job, Bytes block_size, Bytes stack_size) {
  std::vector<std::string> args{std::string(hpmmap_program), std::to_string(standard_descriptors + (job.pmi ? 1 : 0)),
                                std::to_string(job.memory_fds), std::to_string(block_size.value),
                                std::to_string(stack_size.value), job.program};
  args.insert(args.end(), job.args.begin(), job.args.end());
  job.args = std::move(args);
  job.program = TRY(find_helper(hpmmap_program)).string();
  return {};
}

}  // namespace

Result<db::Resources> choose_memory(Node& node, const db::ReadTxn& txn, const protocol::LaunchApp& request) {
  db::Resources memory;
  if (!request.hpmmap) return memory;
  const Bytes size = request.heap_size.value != 0 ? request.heap_size : default_size;
  const std::size_t count = db::blocks_for(size, node.block_size()) * request.ranks;
  auto blocks = db::choose_blocks(txn, count);
  if (!blocks)
    return std::move(blocks).error().in("launch_app: --hpmmap: " + size_text(size) + " for each of " +
                                        std::to_string(request.ranks) + (request.ranks == 1 ? " rank" : " ranks"));
  for (const db::MemoryBlock& block : *blocks) memory.blocks.push_back(block.base);
  return memory;
}

Result<std::vector<UniqueFd>> provide_memory(Node& node, const db::Resources& memory, const Order& order,
                                             keeper::Job& job) {
  std::vector<UniqueFd> files;
  if (memory.blocks.empty()) return files;
  if (::access(job.program.c_str(), X_OK) != 0) return last_errno("'" + job.program + "'");  // nobody would tell otherwise
  for (const db::PhysAddr block : memory.blocks) {
    files.push_back(TRY(node.bridge().memory_file(block.value)).fd);
    TRY(give_to(files.back(), job.user));
  }
  job.memory_fds = static_cast<std::uint32_t>(files.size() / job.ranks);
  TRY(use_memory(job, node.block_size(), order.request.stack_size));
  return files;
}

}  // namespace hobbes::leviathan::apps
