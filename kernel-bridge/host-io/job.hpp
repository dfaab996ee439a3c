// SPDX-License-Identifier: Apache-2.0
// Job: what a proxy that was started ahead of its application is to do, and how it is told: one message on a
// SOCK_SEQPACKET socket, the options as they would stand on its command line, with the descriptors they speak of.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.hpp"
#include "kernel-bridge/host-io/options.hpp"

namespace hobbes::host_io {

/// The proxy's option that says on which descriptor its job will come.
inline constexpr std::string_view job_socket_option = "--job-socket";

/// The environment variable that says whose helper a process is: "<owner>:<application's number in 20 digits>".
inline constexpr std::string_view mark_variable = "HOBBES_HELPER_OF";
/// "<variable>=<owner>:<number>"; number 0: of no application yet.
[[nodiscard]] std::string mark_of(std::string_view owner, std::uint64_t app);
/// Makes this process' mark, where it has one, name `app`: in place, so that /proc/<pid>/environ shows it.
void remark(std::uint64_t app);

/// Sends the job. `stdio`: the application's three; `ranks`: one more for each rank, or none. Descriptors in `options` are
/// the sender's.
[[nodiscard]] Status send_job(int socket, const Options& options, std::span<const int> stdio,
                              std::span<const int> ranks = {});

/// Sends, and waits for, what a job left open: where the channel is.
[[nodiscard]] Status send_channel(int socket, std::uint64_t channel);
[[nodiscard]] Result<std::uint64_t> receive_channel(int socket);

/// Tells whoever sent the job that it cannot be done, and why. Without a word, a closed socket means that it is.
void refuse_job(int socket, const Error& why);
/// What became of a job, once the proxy has said so: waits for it.
[[nodiscard]] Status await_answer(int socket);

struct Job {
  Options options;  ///< its descriptors are `fds`'
  std::vector<UniqueFd> fds;
};
/// Waits for the job, puts the application's standard descriptors and its ranks' in their places, and the mark right. Nothing: nobody
/// will send one any more.
[[nodiscard]] Result<std::optional<Job>> receive_job(int socket);

}  // namespace hobbes::host_io
