// SPDX-License-Identifier: Apache-2.0
// pidfd: a file that stands for a process.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/pid_watcher.hpp"

namespace hobbes::lwk::fs {

/// Under process_lock: `watcher` of a pidfd, or null: it is another file.
[[nodiscard]] PidWatcher* pid_watcher_of(File& file);
/// 0 or -ENOMEM. The caller attaches it to a process by attach_pid_file.
[[nodiscard]] int make_pid_file(uint32_t flags, FileRef& file);
/// Under process_lock.
void attach_pid_file(File& file, Process& process);

}  // namespace hobbes::lwk::fs
