// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>

namespace hobbes::bench {
namespace {

constexpr int signal_base = 128;

int exit_status(int status) { return WIFSIGNALED(status) ? signal_base + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

Child::~Child() {
  if (pid_ == 0) return;
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Result<Child> Child::spawn(const std::vector<std::string>& args, const std::array<int, 3>& stdio, Session session) {
  std::vector<char*> argv;
  for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));  // posix_spawn does not write them
  argv.push_back(nullptr);
  // None of these fails with glibc but for want of memory, which posix_spawn would then report.
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  for (int target = 0; target < static_cast<int>(stdio.size()); ++target)
    ::posix_spawn_file_actions_adddup2(&actions, stdio[static_cast<std::size_t>(target)], target);
  if (session == Session::its_own) ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return errno_error(failed, "'" + args[0] + "'");
  return Child(pid);
}

void Child::signal(int number) const {
  if (pid_ != 0) ::kill(pid_, number);
}

Result<Nanoseconds> Child::system_time() const {
  // proc(5): "pid (name) state ..."; stime is the 15th field, the 13th behind the name.
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string before;
  for (int field = 0; field < 12; ++field) fields >> before;
  double ticks = 0;
  if (!(fields >> ticks)) return Error(Code::unavailable, "process " + std::to_string(pid_) + ": is gone");
  return Nanoseconds(std::chrono::seconds(1)) * ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

bool Child::has_ended() {
  if (pid_ != 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ == 0;
}

Result<int> Child::wait() {
  int status = 0;
  if (pid_ == 0 || ::waitpid(pid_, &status, 0) != pid_) return last_errno("wait for a child");
  pid_ = 0;
  return exit_status(status);
}

Status Child::wait_for_success(const std::string& what) {
  const int status = TRY(wait());
  if (status == 0) return {};
  return Error(Code::io, "'" + what + "': ended with status " + std::to_string(status));
}

Result<Nanoseconds> time_to_run(const std::vector<std::string>& args) {
  const UniqueFd null = TRY(open_null());
  const Nanoseconds start = now();
  Child child = TRY(Child::spawn(args, {null.get(), null.get(), STDERR_FILENO}));
  TRY(child.wait_for_success(args[0]));
  return now() - start;
}

Result<Pipe> Pipe::create() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return last_errno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<UniqueFd> open_null() {
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return last_errno("/dev/null");
  return null;
}

Result<std::string> read_text(int fd) {
  std::string text;
  std::array<char, 4096> piece;
  while (true) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0) return last_errno("read");
    if (count == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

Status read_exactly(int fd, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::read(fd, bytes.data(), bytes.size());
    if (count == 0) return Error(Code::unavailable, "read: the other end has closed");
    if (count < 0) return last_errno("read");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Status write_exactly(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) return last_errno("write");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Nanoseconds now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace hobbes::bench
