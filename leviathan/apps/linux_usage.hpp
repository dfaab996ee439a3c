// SPDX-License-Identifier: Apache-2.0
// What Linux counts of an enclave's processes: page faults and switches.
#pragma once

#include <sys/types.h>

#include <span>

#include "leviathan/protocol/messages.hpp"

namespace hobbes::leviathan::apps {

/// The sum over `pids`. They come from the enclave: one that is not of the session that the process behind `init_pidfd`
/// leads is somebody else's and is left out, and so is one that has gone.
[[nodiscard]] protocol::LinuxUsage usage_of(std::span<const pid_t> pids, int init_pidfd);

}  // namespace hobbes::leviathan::apps
