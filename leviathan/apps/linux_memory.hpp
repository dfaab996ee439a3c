// SPDX-License-Identifier: Apache-2.0
// Reserved memory for programs of the Linux side (launch_app --hpmmap): blocks of the node's pool that are their
// application's from its launch to its end.
#pragma once

#include <vector>

#include "db/write_txn.hpp"
#include "leviathan/apps/keeper/job.hpp"
#include "leviathan/apps/launcher.hpp"

namespace hobbes::leviathan::apps {

/// FREE blocks for all ranks; none, if the request asks for none. exhausted: how many there are.
[[nodiscard]] Result<db::Resources> choose_memory(Node& node, const db::ReadTxn& txn, const protocol::LaunchApp& request);

/// The blocks' descriptors for the keeper, and a job that uses them: its program becomes hobbes-hpmmap's argument.
[[nodiscard]] Result<std::vector<UniqueFd>> provide_memory(Node& node, const db::Resources& memory, const Order& order,
                                                           keeper::Job& job);

}  // namespace hobbes::leviathan::apps
