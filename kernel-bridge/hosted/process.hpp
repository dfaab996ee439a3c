// SPDX-License-Identifier: Apache-2.0
// The Linux processes of hosted enclaves: named so that a number used again is never mistaken, and ended for certain.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/unique_fd.hpp"

namespace hobbes::bridge {

/// An enclave's init process. It leads the session that all the enclave's processes belong to.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start = 0;  ///< its start time as /proc/<pid>/stat tells it: pids are used again, pairs are not

  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

/// The process with this number now; Code::not_found without one.
[[nodiscard]] Result<ProcessId> identify(pid_t pid);
/// The process whose /proc/<pid>/stat line this is; Code::corrupt when it is none.
[[nodiscard]] Result<ProcessId> identify(std::string_view stat_line);
/// A pidfd; Code::not_found when the process is gone (a zombie is not).
[[nodiscard]] Result<UniqueFd> open_process(const ProcessId& process);
[[nodiscard]] bool has_ended(int pidfd);

/// How a child of ours ended ("was killed by signal 11 (Segmentation fault)"), without reaping it. Nothing for a
/// process that has not ended, or is another's child.
[[nodiscard]] std::optional<std::string> how_it_ended(int pidfd);

/// Kills the process and waits until it and every process of its session is gone; reaps it when it is our child. Works
/// on one that is gone. Code::timeout when something still lives at `deadline`.
[[nodiscard]] Status end_session(const ProcessId& leader, std::chrono::steady_clock::time_point deadline);

}  // namespace hobbes::bridge
