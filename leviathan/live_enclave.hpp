// SPDX-License-Identifier: Apache-2.0
// LiveEnclave: an enclave that runs: its machine and its control queue.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "kernel-bridge/bridge.hpp"
#include "leviathan/apps/proxy_list.hpp"
#include "leviathan/control_queue.hpp"
#include "leviathan/descriptor/pisces.hpp"

namespace hobbes::leviathan {

struct LiveEnclave {
  LiveEnclave(EnclaveId its_id, std::string its_name, std::unique_ptr<bridge::Machine> its_machine,
              ControlQueue its_control, descriptor::HostIo its_reach)
      : id(its_id),
        name(std::move(its_name)),
        reach(std::move(its_reach)),
        machine(std::move(its_machine)),
        control(std::move(its_control)) {}

  const EnclaveId id;
  const std::string name;
  const descriptor::HostIo reach;  ///< what of the host it reaches: its descriptor's <host_io>
  /// What it had attached when it ended: nobody uses that again before its machine, and all its processes, have gone.
  std::vector<std::shared_ptr<const void>> borrowed;
  /// What changes it (add_memory, ...) is called under the enclave's lock (Node::locks).
  const std::unique_ptr<bridge::Machine> machine;
  /// Its commands: any thread, by the queue's own rules.
  ControlQueue control;
  apps::ProxyList proxies;
  std::atomic<bool> ending = false;  ///< it is being destroyed: its death is expected, and retire() tells of it
};

}  // namespace hobbes::leviathan
