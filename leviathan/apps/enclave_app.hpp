// SPDX-License-Identifier: Apache-2.0
// An application in an enclave, as leviathan handles it: commands to the enclave's kernel, and a proxy on Linux.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernel-bridge/abi/commands.h"
#include "leviathan/apps/proxy_stock.hpp"
#include "leviathan/caller.hpp"
#include "leviathan/descriptor/pisces.hpp"
#include "leviathan/live_enclave.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::leviathan::apps {

/// How long an enclave's kernel may take over a command about an application that it answers at once.
inline constexpr std::chrono::seconds command_patience{5};

struct EnclaveAppSpec {
  AppId app;
  std::string name;
  const protocol::LaunchApp& request;
  const Caller& caller;
  std::vector<int> stdio;  ///< descriptors 0 to 2, borrowed
  std::vector<int> rank_fds;  ///< one more for each rank, its PMI_FD; or none; borrowed
  descriptor::HostIo reach;  ///< what of the host the enclave may reach
};

struct EnclaveApp {
  Helper proxy;
  std::uint64_t channel = 0;
};

// Workers only.
/// Channel, proxy from `proxies`, and the launch of all ranks; on failure nothing of them is left. The errors of the
/// launch are the kernel's: "'/bin/x': No such file or directory".
[[nodiscard]] Result<EnclaveApp> start_enclave_app(ProxyStock& proxies, LiveEnclave& enclave,
                                                   const EnclaveAppSpec& spec);
/// Ends an application and its proxy (-1: it has none) for certain, and makes the kernel forget it.
void undo_enclave_app(LiveEnclave& enclave, AppId app, int proxy_pidfd);
/// What the kernel says of all its applications.
[[nodiscard]] Result<std::vector<hobbes_app_status>> list_enclave_apps(LiveEnclave& enclave);

// Any thread; the answers come on the loop's.
void kill_enclave_app(LiveEnclave& enclave, AppId app, int signal, std::function<void(Status)> done);
/// Makes the kernel forget an application that has ended, when its proxy has ended too.
void forget_enclave_app(LiveEnclave& enclave, AppId app);

}  // namespace hobbes::leviathan::apps
