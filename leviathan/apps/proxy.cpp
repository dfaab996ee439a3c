// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/proxy.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <string>

#include "base/mapping.hpp"
#include "kernel-bridge/abi/host_io.h"
#include "leviathan/apps/spawn.hpp"

namespace hobbes::leviathan::apps {
namespace {

std::string block_argument(const bridge::MemoryFile& block, std::size_t fd) {
  return std::to_string(block.base) + ":" + std::to_string(block.size.value) + ":" + std::to_string(fd);
}

Result<Mapping> map_channel(bridge::Machine& machine, std::uint64_t channel) {
  constexpr std::uint64_t size = sizeof(hobbes_hio_channel);
  for (const bridge::MemoryFile& block : TRY(machine.memory_files())) {
    if (channel < block.base) continue;
    const std::uint64_t offset = channel - block.base;
    if (offset > block.size.value || size > block.size.value - offset) continue;
    return Mapping::shared(block.fd.get(), size, PROT_READ | PROT_WRITE, offset);
  }
  return Error(Code::corrupt, "host-I/O channel: lies outside its enclave's memory");
}

void wake_all(std::uint32_t* word) { ::syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

}  // namespace

Result<Helper> start_proxy(bridge::Machine& machine, const ProxySpec& spec) {
  const std::vector<bridge::MemoryFile> memory = TRY(machine.memory_files());
  SpawnSpec child{.program = TRY(find_helper(proxy_program)),
                  .args = {std::string(proxy_program), "--channel", std::to_string(spec.channel)},
                  .env = {helper_mark(spec.run_dir, spec.app)},
                  .fds = spec.stdio,
                  .user = spec.user,
                  .cwd = spec.cwd,
                  .umask = 0,  // the co-kernel applies the program's own
                  .new_session = true};
  for (const bridge::MemoryFile& block : memory) {
    child.args.insert(child.args.end(), {"--block", block_argument(block, child.fds.size())});
    child.fds.push_back(block.fd.get());
  }
  child.args.insert(child.args.end(), {"--mode", std::string(to_string(spec.reach.mode)), "--root", spec.reach.root});
  Child started = TRY(spawn(child));
  return Helper{started.pid, std::move(started.pidfd)};
}

Status declare_proxy_dead(bridge::Machine& machine, std::uint64_t channel) {
  const Mapping mapping = TRY(map_channel(machine, channel));
  auto& shared = *reinterpret_cast<hobbes_hio_channel*>(mapping.data());
  // Partner: the co-kernel reads it (acquire) before it sleeps on a slot, and after every wake-up.
  std::atomic_ref(shared.proxy_state).store(HOBBES_HIO_PROXY_DEAD, std::memory_order_seq_cst);
  wake_all(&shared.proxy_state);
  for (hobbes_hio_slot& slot : shared.slots) wake_all(&slot.state);
  return {};
}

}  // namespace hobbes::leviathan::apps
