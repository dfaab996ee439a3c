// SPDX-License-Identifier: Apache-2.0
// An application of the Linux side, as leviathan handles it: through its keeper.
#pragma once

#include <filesystem>
#include <vector>

#include "leviathan/apps/helper.hpp"
#include "leviathan/apps/keeper/job.hpp"
#include "leviathan/apps/records.hpp"

namespace hobbes::leviathan::apps {

struct LinuxApp {
  Helper keeper;
  pid_t pid = 0;  ///< of its first process
};

/// Starts a keeper and, through it, the job's program; returns when that runs. `stdio` are its standard descriptors,
/// `rank_fds` one more for each rank, or none, `memory` its job.memory_fds for each rank. The job's status
/// file is set here. Errors: of the program ("'/bin/x': No such file or directory") or of the keeper.
[[nodiscard]] Result<LinuxApp> start_linux_app(const std::filesystem::path& run_dir, AppId app, keeper::Job job,
                                               const std::vector<int>& stdio,
                                               const std::vector<UniqueFd>& rank_fds = {},
                                               const std::vector<UniqueFd>& memory = {});

/// unavailable: the keeper has gone.
[[nodiscard]] Status signal_linux_app(int keeper_pidfd, int signal);

/// Ends the application, its descendants and its keeper for certain, and waits until they are gone. Workers only.
void undo_linux_app(const std::filesystem::path& run_dir, AppId app, int keeper_pidfd);

/// How an application whose keeper has gone ended, from its status file. Without one the keeper was killed: a crash.
[[nodiscard]] End end_of_linux_app(const std::filesystem::path& run_dir, AppId app);
/// Takes the status file away, once the database knows the end.
void forget_linux_app(const std::filesystem::path& run_dir, AppId app);

/// Where detached applications' output goes, and status files lie: <run_dir>/apps. Makes the directory.
[[nodiscard]] Result<std::filesystem::path> apps_dir(const std::filesystem::path& run_dir);
[[nodiscard]] std::filesystem::path log_file(const std::filesystem::path& run_dir, AppId app);

}  // namespace hobbes::leviathan::apps
