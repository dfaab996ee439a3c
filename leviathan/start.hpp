// SPDX-License-Identifier: Apache-2.0
// From options to a running daemon, and back to a clean run directory.
#pragma once

#include <memory>

#include "kernel-bridge/bridge.hpp"
#include "leviathan/options.hpp"

namespace hobbes::leviathan {

/// Takes the run directory, opens the database, takes the hardware or prepares recovery, and runs the daemon with
/// `bridge` until it is stopped. After a stop in order nothing is left behind.
[[nodiscard]] Status start(const Options& options, std::unique_ptr<bridge::Bridge> bridge);

}  // namespace hobbes::leviathan
