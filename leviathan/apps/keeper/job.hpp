// SPDX-License-Identifier: Apache-2.0
// What leviathan and a keeper say to each other. The keeper is started with the application's standard descriptors as
// 0 to 2, the Job in a memory file as 3, a socket (SOCK_SEQPACKET) as 4, with Job::pmi one descriptor a rank behind it, and
// Job::memory_fds a rank behind those. It starts nothing before leviathan has sent one byte, the go: a leviathan that died
// before leaves nothing behind. Then it answers with a Started and closes the socket.
#pragma once

#include <signal.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "leviathan/apps/user.hpp"
#include "leviathan/protocol/codec.hpp"

namespace hobbes::leviathan::apps::keeper {

inline constexpr int job_fd = 3;
inline constexpr int control_fd = 4;
inline constexpr int first_rank_fd = 5;
inline constexpr std::size_t max_answer = 4096;

/// Sent to a keeper with a value (as sigqueue does): deliver the signal of that number to the application. SIGKILL
/// reaches all its descendants, any other its process group.
[[nodiscard]] inline int deliver_signal() { return SIGRTMIN; }

struct Job {
  static constexpr std::string_view name = "keeper's job";
  std::string program;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  std::uint32_t umask = 022;
  std::optional<User> user{};       ///< absent: the keeper's own
  std::uint32_t ranks = 1;          ///< processes to start
  std::uint32_t first_rank = 0;     ///< the number of the first of them, in a job of more systems than this
  std::uint32_t job_ranks = 1;      ///< of the whole job; above 1 each finds PMI_RANK and PMI_SIZE in its environment
  bool pmi = false;                 ///< each gets a descriptor of its own, its PMI_FD, behind the standard ones
  std::uint32_t memory_fds = 0;     ///< so many more for each rank, behind all of those: its reserved memory
  std::vector<std::uint32_t> cpus{};  ///< of Linux; empty: any. Several ranks share them out where there are enough
  std::string status_file{};          ///< written when all is over

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("program", self.program);
    visit("args", self.args);
    visit("env", self.env);
    visit("cwd", self.cwd);
    visit("umask", self.umask);
    visit("user", self.user);
    visit("ranks", self.ranks);
    visit("first_rank", self.first_rank);
    visit("job_ranks", self.job_ranks);
    visit("pmi", self.pmi);
    visit("memory_fds", self.memory_fds);
    visit("cpus", self.cpus);
    visit("status_file", self.status_file);
  }
};

struct Started {
  static constexpr std::string_view name = "keeper's answer";
  std::int32_t pid = 0;     ///< of the first process, which leads the group
  std::int32_t status = 0;  ///< HOBBES_STATUS_*: not OK: nothing runs
  std::int32_t sys_errno = 0;
  std::string text{};

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("pid", self.pid);
    visit("status", self.status);
    visit("sys_errno", self.sys_errno);
    visit("text", self.text);
  }
};

}  // namespace hobbes::leviathan::apps::keeper
