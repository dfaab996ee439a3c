// SPDX-License-Identifier: Apache-2.0
// Spawning as posix_spawn(3) does it, plus what that cannot do (pidfd, a closed descriptor table): the
// child shares our memory and runs on a stack of its own, while this thread sleeps until it has executed the program.
// However large we are, nothing is copied. The child has its own descriptor table and signal handlers. It must not
// allocate, lock, or use libc's wrappers that talk to other threads.
#include "kernel-bridge/hosted/spawn.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <memory>

#include "base/clone_in_memory.hpp"

namespace hobbes::bridge {
namespace {

constexpr std::size_t stack_size = 64 * 1024;
constexpr int last_signal = 64;

/// All the child reads and writes; allocated before it starts.
struct Plan {
  const char* program;
  std::vector<char*> argv;
  int fd;

  const char* failed_step = nullptr;  // written by the child
  int failure = 0;
};

Plan make_plan(const SpawnSpec& spec) {
  Plan plan{spec.program.c_str(), {}, spec.fd};
  for (const std::string& arg : spec.args) plan.argv.push_back(const_cast<char*>(arg.c_str()));  // as execve wants it
  plan.argv.push_back(nullptr);
  return plan;
}

[[noreturn]] void fail(Plan& plan, const char* step) {
  plan.failure = errno;
  plan.failed_step = step;
  leave_clone(127);
}

void reset_signals(Plan& plan) {
  for (int signal = 1; signal <= last_signal; ++signal) reset_signal_in_clone(signal);  // some cannot be set
  sigset_t none;
  ::sigemptyset(&none);
  // The program inherits this; handlers that could run on our memory are gone by now.
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) fail(plan, "unblock signals");
}

void place_descriptors(Plan& plan) {
  const auto place = [&plan](int fd, int number) {
    if (fd == number ? ::fcntl(fd, F_SETFD, 0) != 0 : ::dup2(fd, number) < 0) fail(plan, "place descriptors");
  };
  place(plan.fd, spawned_fd);  // first: it may be where /dev/null goes
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) fail(plan, "open /dev/null");
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) place(null, number);
  if (::syscall(SYS_close_range, spawned_fd + 1, UINT_MAX, 0) != 0) fail(plan, "close other descriptors");
}

int run_child(void* argument) {
  Plan& plan = *static_cast<Plan*>(argument);
  place_descriptors(plan);
  if (::setsid() < 0) fail(plan, "start a session");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(plan, "give up new privileges");
  reset_signals(plan);
  char* environment[] = {nullptr};
  ::execve(plan.program, plan.argv.data(), environment);
  fail(plan, "execute");
}

/// Blocks all signals for this thread, so that none is handled in the child on our memory.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Result<Spawned> spawn(const SpawnSpec& spec) {
  Plan plan = make_plan(spec);
  const auto stack = std::make_unique<std::byte[]>(stack_size);
  const SignalsBlocked blocked;
  int pidfd = -1;
  const pid_t pid = clone_in_memory(run_child, stack.get() + stack_size, &plan, pidfd);
  if (pid < 0) return last_errno("start " + spec.program.string());
  Spawned spawned{pid, UniqueFd(pidfd)};
  if (plan.failed_step == nullptr) return spawned;
  ::waitpid(pid, nullptr, 0);
  return errno_error(plan.failure, "start " + spec.program.string() + ": " + plan.failed_step);
}

}  // namespace hobbes::bridge
