// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/proxy_blocks.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <thread>

#include "base/log.hpp"
#include "cmdqueue/fd_passing.hpp"
#include "kernel-bridge/host-io/block_door.hpp"
#include "leviathan/apps/helper.hpp"

namespace hobbes::leviathan::apps {
namespace {

using host_io::BlockMessage;

/// For calls that use a block to end.
constexpr timeval patience{.tv_sec = 5, .tv_usec = 0};
/// For a proxy that has just been started to open its door.
constexpr int knocks = 200;
constexpr std::chrono::milliseconds between_knocks{5};

Result<UniqueFd> knock_once(pid_t proxy) {
  UniqueFd door(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!door) return last_errno("proxy's block door");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = host_io::block_door_name(proxy);
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const std::string what = "'" + name + "'";
  if (::connect(door.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return last_errno(what);
  // Anybody may take a name; only the proxy has its process id.
  const auto peer = TRY(cmdqueue::peer_credentials(door.get()));
  if (peer.pid != proxy) return Error(Code::denied, what + ": is not the proxy's");
  if (::setsockopt(door.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) return last_errno(what);
  return door;
}

Result<UniqueFd> knock(const Helper& proxy) {
  for (int i = 0; i < knocks; ++i) {
    auto door = knock_once(proxy.pid);
    if (door || door.error().sys_errno() != ECONNREFUSED || has_ended(proxy)) return door;
    std::this_thread::sleep_for(between_knocks);
  }
  return Error(Code::timeout, "proxy: does not open its block door");
}

Status tell(const Helper& proxy, const BlockMessage& message, int fd) {
  const UniqueFd door = TRY(knock(proxy));
  const int fds[] = {fd};
  TRY(cmdqueue::send_fds(door.get(), std::as_bytes(std::span(&message, 1)), std::span(fds, fd < 0 ? 0 : 1)));
  host_io::BlockAnswer answer = 0;
  if (::recv(door.get(), &answer, sizeof answer, 0) != sizeof answer) return last_errno("proxy's block door");
  return answer == 0 ? Status() : Status(errno_error(-answer, "proxy"));
}

std::string label(AppId app) { return "application " + std::to_string(app.value); }

}  // namespace

void give_to_proxies(LiveEnclave& enclave, std::uint64_t base) {
  const auto memory = enclave.machine->memory_files();
  if (!memory) return log::warning(memory.error().text());
  for (const bridge::MemoryFile& block : *memory) {
    if (block.base != base) continue;
    for (const auto& proxy : enclave.proxies.running()) {
      Status told = tell(proxy->process, {.base = block.base, .size = block.size.value}, block.fd.get());
      if (!told && told.error().sys_errno() != EEXIST) log::debug(std::move(told).error().in(label(proxy->app)).text());
    }
  }
}

Status take_from_proxies(LiveEnclave& enclave, std::uint64_t base, Bytes size) {
  for (const auto& proxy : enclave.proxies.running()) {
    const BlockMessage forget{.what = BlockMessage::What::forget, .base = base, .size = size.value};
    const Status told = tell(proxy->process, forget, -1);
    const bool never_had_it = !told && told.error().sys_errno() == EINVAL;
    if (told || never_had_it) continue;
    if (!has_ended(proxy->process)) {
      log::warning(label(proxy->app) + ": its proxy does not let go of memory that its enclave has lost, and is ended: " +
                   told.error().text());
    }
    TRY(end_proxies({proxy}));
  }
  return {};
}

}  // namespace hobbes::leviathan::apps
