// SPDX-License-Identifier: Apache-2.0
// Descendants: every process below this one, whatever groups and sessions it fled to. With PR_SET_CHILD_SUBREAPER none
// gets away: an orphan becomes our child.
#pragma once

#include <sys/types.h>

#include <vector>

namespace hobbes::leviathan::apps::keeper {

/// As they are now; processes come and go meanwhile.
[[nodiscard]] std::vector<pid_t> descendants();

/// Sends SIGKILL to all of them, and again to those that were born meanwhile, until none was left unkilled.
void kill_descendants();

}  // namespace hobbes::leviathan::apps::keeper
