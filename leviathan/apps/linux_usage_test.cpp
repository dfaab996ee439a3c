// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/linux_usage.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <climits>

#include "base/unique_fd.hpp"

using namespace hobbes;
using namespace hobbes::leviathan::apps;

namespace {

/// A process that leads a session, as an enclave's init does, and waits to be killed.
class Leader {
 public:
  Leader() {
    std::array<int, 2> ready{};
    REQUIRE(::pipe(ready.data()) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();
      ::close(ready[1]);
      ::close(ready[0]);
      while (true) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    CHECK(::read(ready[0], &byte, 1) == 0);  // it leads its session when it has closed its end
    ::close(ready[0]);
    pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  }
  ~Leader() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }

 private:
  pid_t pid_ = 0;
  UniqueFd pidfd_;
};

}  // namespace

TEST_CASE("Linux's counts of a process are read", "[usage]") {
  const Leader leader;
  const std::array pids = {leader.pid()};
  const auto usage = usage_of(pids, leader.pidfd());
  CHECK(usage.processes == 1);
  CHECK(usage.minor_faults > 0);  // a fork writes its stack
}

TEST_CASE("processes that are not the enclave's, or not there, are left out", "[usage]") {
  const Leader leader;
  const std::array strangers = {::getpid(), ::getppid(), pid_t{1}, pid_t{0}, pid_t{-1}, pid_t{INT_MAX}};
  CHECK(usage_of(strangers, leader.pidfd()).processes == 0);
  const std::array mixed = {::getpid(), leader.pid()};
  CHECK(usage_of(mixed, leader.pidfd()).processes == 1);
}

TEST_CASE("without an init there is nothing to count", "[usage]") {
  const std::array pids = {::getpid()};
  CHECK(usage_of(pids, -1) == protocol::LinuxUsage{});
  CHECK(usage_of(pids, STDERR_FILENO) == protocol::LinuxUsage{});
}
