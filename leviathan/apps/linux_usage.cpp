// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/linux_usage.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

namespace hobbes::leviathan::apps {
namespace {

/// The process a pidfd is of; absent: it is none, or the process has gone.
std::optional<pid_t> process_behind(int pidfd) {
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(pidfd));
  for (std::string word; file >> word;) {
    pid_t pid = 0;
    if (word == "Pid:" && file >> pid && pid > 0) return pid;
  }
  return std::nullopt;
}

/// The fields of /proc/<pid>/stat that are asked for here.
struct Stat {
  pid_t session = 0;
  std::uint64_t minor_faults = 0, major_faults = 0;
};

std::optional<Stat> read_stat(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const auto name_end = line.rfind(')');  // a name may hold anything
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(name_end + 1));
  std::string state, skipped;
  std::uint64_t of_children = 0;
  Stat stat;
  // state ppid pgrp session tty_nr tpgid flags minflt cminflt majflt
  rest >> state >> skipped >> skipped >> stat.session >> skipped >> skipped >> skipped >> stat.minor_faults >>
      of_children >> stat.major_faults;
  if (!rest) return std::nullopt;
  return stat;
}

/// Adds what its threads have switched: a process' own status speaks of its first thread alone.
void add_switches(pid_t pid, protocol::LinuxUsage& usage) {
  std::error_code gone;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    std::ifstream file(thread.path() / "status");
    for (std::string word; file >> word;) {
      std::uint64_t count = 0;
      if (word == "voluntary_ctxt_switches:" && file >> count) usage.voluntary_switches += count;
      if (word == "nonvoluntary_ctxt_switches:" && file >> count) usage.involuntary_switches += count;
    }
  }
}

}  // namespace

protocol::LinuxUsage usage_of(std::span<const pid_t> pids, int init_pidfd) {
  protocol::LinuxUsage usage;
  const auto session = process_behind(init_pidfd);
  if (!session) return usage;
  for (const pid_t pid : pids) {
    const auto stat = read_stat(pid);
    if (!stat || stat->session != *session) continue;
    ++usage.processes;
    usage.minor_faults += stat->minor_faults;
    usage.major_faults += stat->major_faults;
    add_switches(pid, usage);
  }
  return usage;
}

}  // namespace hobbes::leviathan::apps
