// SPDX-License-Identifier: Apache-2.0
// An enclave's processes are init's children (or theirs) and die with it by PR_SET_PDEATHSIG. That is the rule, not the
// proof: end_session() looks through /proc for members of init's session that still have a block of enclave memory
// mapped, kills those too, and returns when there are none.
//
// A session id is init's pid, and the kernel gives that number to nobody while the session has members. So when init is
// gone and its number names a younger process, no member can be left.
#include "kernel-bridge/hosted/process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <thread>
#include <vector>

namespace hobbes::bridge {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// While processes that were killed are on their way out.
constexpr std::chrono::milliseconds look_again_after{1};

struct Stat {
  pid_t pid = 0;
  char state = 0;
  pid_t session = 0;
  unsigned threads = 0;
  std::uint64_t start = 0;
};

/// The fields of /proc/<pid>/stat behind the command name, which may contain anything.
std::vector<std::string_view> fields_behind_name(std::string_view line) {
  std::vector<std::string_view> fields;
  const std::size_t name_end = line.rfind(')');
  if (name_end == line.npos) return fields;
  std::string_view rest = line.substr(name_end + 1);
  while (true) {
    const std::size_t first = rest.find_first_not_of(" \n");
    if (first == rest.npos) return fields;
    rest.remove_prefix(first);
    const std::size_t length = std::min(rest.find_first_of(" \n"), rest.size());
    fields.push_back(rest.substr(0, length));
    rest.remove_prefix(length);
  }
}

std::optional<Stat> parse_stat(std::string_view line) {
  const std::vector<std::string_view> fields = fields_behind_name(line);
  // proc(5) counts from 1 with the pid; the first here is number 3.
  constexpr std::size_t state = 0, session = 3, threads = 17, start = 19;
  if (fields.size() <= start) return std::nullopt;
  Stat stat;
  stat.state = fields[state][0];
  std::from_chars(line.begin(), line.end(), stat.pid);
  std::from_chars(fields[session].begin(), fields[session].end(), stat.session);
  std::from_chars(fields[threads].begin(), fields[threads].end(), stat.threads);
  std::from_chars(fields[start].begin(), fields[start].end(), stat.start);
  return stat;
}

std::optional<Stat> read_stat(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  return parse_stat(std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()));
}

/// A zombie whose first thread has exited may have others that run.
bool runs(const Stat& stat) { return stat.state != 'X' && (stat.state != 'Z' || stat.threads > 1); }

/// Any thread tells, but not one that has exited.
bool maps_enclave_memory(pid_t pid) {
  std::error_code ignored;  // a process that ends meanwhile
  for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", ignored)) {
    std::ifstream maps(thread.path() / "maps");
    for (std::string line; std::getline(maps, line);)
      if (line.find("/memfd:hobbes-block") != line.npos) return true;
  }
  return false;
}

bool is_member(pid_t pid, pid_t session) {
  const auto stat = read_stat(pid);
  return stat && stat->session == session && runs(*stat) && maps_enclave_memory(pid);
}

std::vector<pid_t> members_of(pid_t session) {
  std::vector<pid_t> members;
  std::error_code ignored;  // a process that ends while the directory is read
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failure == std::errc() && *end == '\0' && is_member(pid, session)) members.push_back(pid);
  }
  return members;
}

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

int kill_by(int pidfd) { return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0)); }

/// The pidfd is opened first and the member looked at again: then it cannot be another process with its number.
void kill_member(pid_t pid, pid_t session) {
  const UniqueFd pidfd(open_pidfd(pid));
  if (pidfd && is_member(pid, session)) kill_by(pidfd.get());
}

Status wait_for_end(int pidfd, Clock::time_point deadline) {
  pollfd watched{pidfd, POLLIN, 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int ready = ::poll(&watched, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return last_errno("wait for the end of an enclave's init process");
    if (left <= 0) return Error(Code::timeout, "the enclave's init process was killed but does not end");
  }
}

/// Kills and, if it is our child, reaps the session's leader.
Status end_leader(const ProcessId& leader, Clock::time_point deadline) {
  const auto pidfd = open_process(leader);
  if (!pidfd) return pidfd.error().code() == Code::not_found ? Status() : Status(pidfd.error());
  if (kill_by(pidfd->get()) != 0 && errno != ESRCH)
    return last_errno("kill the enclave's init process " + std::to_string(leader.pid));
  TRY(wait_for_end(pidfd->get(), deadline));
  siginfo_t info{};
  // ECHILD: another's child, whose parent reaps it.
  [[maybe_unused]] const int reaped = ::waitid(P_PIDFD, static_cast<id_t>(pidfd->get()), &info, WEXITED | WNOHANG);
  return {};
}

}  // namespace

Result<ProcessId> identify(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return Error(Code::not_found, "process " + std::to_string(pid) + ": it is gone");
  return ProcessId{pid, stat->start};
}

Result<ProcessId> identify(std::string_view stat_line) {
  const auto stat = parse_stat(stat_line);
  if (!stat || stat->pid <= 1) return Error(Code::corrupt, "not a line of /proc/<pid>/stat");
  return ProcessId{stat->pid, stat->start};
}

Result<UniqueFd> open_process(const ProcessId& process) {
  UniqueFd pidfd(open_pidfd(process.pid));
  if (!pidfd && errno != ESRCH) return last_errno("process " + std::to_string(process.pid) + ": pidfd_open");
  // With the pidfd open first, the number cannot pass to another process between the two looks.
  const auto now = read_stat(process.pid);
  if (!pidfd || !now || now->start != process.start)
    return Error(Code::not_found, "process " + std::to_string(process.pid) + ": it is gone");
  return pidfd;
}

bool has_ended(int pidfd) {
  pollfd watched{pidfd, POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

std::optional<std::string> how_it_ended(int pidfd) {
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
    return std::nullopt;
  if (info.si_code == CLD_EXITED) return "exited with status " + std::to_string(info.si_status);
  const char* name = ::strsignal(info.si_status);
  return "was killed by signal " + std::to_string(info.si_status) + " (" + name + ")";
}

Status end_session(const ProcessId& leader, Clock::time_point deadline) {
  TRY(end_leader(leader, deadline));
  const auto successor = read_stat(leader.pid);
  if (successor && successor->start != leader.start) return {};
  while (true) {
    const std::vector<pid_t> members = members_of(leader.pid);
    if (members.empty()) return {};
    if (Clock::now() >= deadline)
      return Error(Code::timeout,
                   std::to_string(members.size()) + " processes of the enclave were killed but do not end");
    for (const pid_t pid : members) kill_member(pid, leader.pid);
    std::this_thread::sleep_for(look_again_after);
  }
}

}  // namespace hobbes::bridge
