// SPDX-License-Identifier: Apache-2.0
// The keeper's work: one application of the Linux side, from its start until nothing of it is left.
#pragma once

#include "base/spawn.hpp"
#include "leviathan/apps/keeper/job.hpp"

namespace hobbes::leviathan::apps::keeper {

/// Starts the job's processes, answers over control_fd, passes signals on, waits until the processes of all ranks have
/// ended, ends whatever they left behind, and writes the status file: the first rank's failure, else success. Takes over
/// this process' signals and standard descriptors. The error says why it never ran.
[[nodiscard]] Status run(const Job& job);

}  // namespace hobbes::leviathan::apps::keeper
