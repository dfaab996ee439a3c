// SPDX-License-Identifier: Apache-2.0
// launch(): one application from request to Running, on a worker: journal, carry out, commit; or undo all of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "leviathan/apps/proxy_stock.hpp"
#include "leviathan/apps/records.hpp"
#include "leviathan/caller.hpp"
#include "leviathan/node.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::leviathan::apps {

struct Order {
  protocol::LaunchApp request;
  Caller caller;
  std::vector<UniqueFd> stdio;  ///< three, or a fourth: another launcher's PMI_FD; detached: none
};

struct Launched {
  Launch launch;
  Helper helper;              ///< its proxy or keeper
  std::optional<Helper> pmi;  ///< the server of its ranks
  std::uint64_t channel = 0;  ///< of an enclave's application
};

/// The application is journaled and about to start in `enclave` (null: on the Linux side): its end may be reported any
/// time from now on.
using Announce = std::function<void(AppId app, const std::shared_ptr<LiveEnclave>& enclave)>;

/// Blocks. If it fails after `announce` was called, the application is gone again.
[[nodiscard]] Result<Launched> launch(Node& node, ProxyStock& proxies, Order order, const Announce& announce);

}  // namespace hobbes::leviathan::apps
