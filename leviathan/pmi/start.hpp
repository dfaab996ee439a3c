// SPDX-License-Identifier: Apache-2.0
// Starting the PMI server of a job.
#pragma once

#include <filesystem>
#include <vector>

#include "leviathan/apps/helper.hpp"
#include "leviathan/pmi/options.hpp"

namespace hobbes::leviathan::pmi {

struct Started {
  apps::Helper server;
  std::vector<UniqueFd> ranks;  ///< the ranks' ends of its sockets: when all are closed it ends
};

/// Workers only. Errors name the server, or the descriptors there are too few of.
[[nodiscard]] Result<Started> start_server(const Options& options);

}  // namespace hobbes::leviathan::pmi
