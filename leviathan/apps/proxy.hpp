// SPDX-License-Identifier: Apache-2.0
// Proxy: the process that makes an enclave application's host calls (kernel-bridge/abi/host_io.h), from leviathan's side.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "kernel-bridge/bridge.hpp"
#include "leviathan/apps/helper.hpp"
#include "leviathan/apps/user.hpp"
#include "leviathan/descriptor/pisces.hpp"

namespace hobbes::leviathan::apps {

struct ProxySpec {
  std::filesystem::path run_dir;
  AppId app;
  std::uint64_t channel = 0;   ///< physical address of its channel
  std::optional<User> user;    ///< absent: as we are
  std::string cwd;
  descriptor::HostIo reach;    ///< what of the host its enclave may reach
  std::vector<int> stdio;      ///< descriptors 0 to 2, borrowed
};

/// Starts it, with all the enclave's memory there is now. It serves soon afterwards.
[[nodiscard]] Result<Helper> start_proxy(bridge::Machine& machine, const ProxySpec& spec);

/// Tells everybody who waits for this channel's proxy that it has gone: their calls fail with EIO from now on.
[[nodiscard]] Status declare_proxy_dead(bridge::Machine& machine, std::uint64_t channel);

}  // namespace hobbes::leviathan::apps
