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
#include "kernel-bridge/host-io/job.hpp"

namespace hobbes::leviathan::apps {
namespace {

host_io::Mode mode_of(descriptor::HostIoMode mode) {
  switch (mode) {
    case descriptor::HostIoMode::none: return host_io::Mode::none;
    case descriptor::HostIoMode::files: return host_io::Mode::files;
    case descriptor::HostIoMode::all: break;
  }
  return host_io::Mode::all;
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

Result<Proxy> start_proxy(ProxyStock& stock, bridge::Machine& machine, const ProxySpec& spec) {
  const std::vector<bridge::MemoryFile> memory = TRY(machine.memory_files());
  host_io::Options options;
  options.app = spec.app.value;
  for (const bridge::MemoryFile& block : memory) options.blocks.push_back({block.base, block.size, block.fd.get()});
  options.mode = mode_of(spec.reach.mode);
  options.root = spec.reach.root;
  options.cwd = spec.cwd;
  options.owner = ::geteuid();
  options.lender = machine.file_lender();
  if (spec.user) options.user = {spec.user->uid, spec.user->gid, spec.user->groups};
  WaitingProxy waiting = TRY(stock.take());
  TRY(host_io::send_job(waiting.socket.get(), options, spec.stdio, spec.rank_fds));
  return Proxy{std::move(waiting.process), std::move(waiting.socket)};
}

Status refusal(const Proxy& proxy) { return host_io::await_answer(proxy.socket.get()); }

Status declare_proxy_dead(bridge::Machine& machine, std::uint64_t channel) {
  const Mapping mapping = TRY(map_channel(machine, channel));
  auto& shared = *reinterpret_cast<hobbes_hio_channel*>(mapping.data());
  // Partner: the co-kernel reads it (acquire) before it sleeps on a slot, and after every wake-up.
  std::atomic_ref(shared.proxy_state).store(HOBBES_HIO_PROXY_DEAD, std::memory_order_seq_cst);
  wake_all(&shared.proxy_state);
  for (hobbes_hio_slot& slot : shared.slots) wake_all(&slot.state);
  machine.ring_control();  // for a kernel on hardware of its own, which has one bell for all
  return {};
}

}  // namespace hobbes::leviathan::apps
