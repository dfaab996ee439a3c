// SPDX-License-Identifier: Apache-2.0
// Proxy: the process that makes an enclave application's host calls (kernel-bridge/abi/host_io.h), from leviathan's side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernel-bridge/bridge.hpp"
#include "leviathan/apps/proxy_stock.hpp"
#include "leviathan/apps/user.hpp"
#include "leviathan/descriptor/pisces.hpp"

namespace hobbes::leviathan::apps {

struct ProxySpec {
  AppId app;
  std::optional<User> user;    ///< absent: as we are
  std::string cwd;
  descriptor::HostIo reach;    ///< what of the host its enclave may reach
  std::vector<int> stdio;      ///< descriptors 0 to 2, borrowed
  std::vector<int> rank_fds;   ///< one more for each rank, or none; borrowed
};

struct Proxy {
  Helper process;
  UniqueFd socket;  ///< for refusal()
};

/// Gives the job to one of `stock`, with all the enclave's memory there is now. Told the physical address of its channel
/// (host_io::send_channel()) it serves soon afterwards; or else it declares itself dead there, and refusal() says why.
[[nodiscard]] Result<Proxy> start_proxy(ProxyStock& stock, bridge::Machine& machine, const ProxySpec& spec);
/// Why a proxy refused its job; nothing if it serves. Waits until it has decided.
[[nodiscard]] Status refusal(const Proxy& proxy);

/// Tells everybody who waits for this channel's proxy that it has gone: their calls fail with EIO from now on.
[[nodiscard]] Status declare_proxy_dead(bridge::Machine& machine, std::uint64_t channel);

}  // namespace hobbes::leviathan::apps
