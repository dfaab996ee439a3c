// SPDX-License-Identifier: Apache-2.0
// Spawning as posix_spawn(3) does it, plus what that cannot do (user, CPUs, pidfd, a closed descriptor table): the
// child shares our memory and runs on a stack of its own, while this thread sleeps until it has executed the program.
// However large we are, nothing is copied. The child has its own descriptor table and signal handlers. It must not
// allocate, lock, or use libc's wrappers that talk to other threads (setuid and its kin), hence raw system calls.
#include "kernel-bridge/hosted/spawn.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <memory>

namespace hobbes::bridge {
namespace {

constexpr std::size_t stack_size = 64 * 1024;
constexpr int last_signal = 64;

/// All the child reads and writes; allocated before it starts.
struct Plan {
  int program;
  std::vector<char*> argv;
  std::vector<int> fds;
  int log;
  int identity;
  const std::optional<User>* user;
  std::vector<unsigned long> cpu_mask;

  const char* failed_step = nullptr;  // written by the child
  int failure = 0;
};

Plan make_plan(const SpawnSpec& spec, int program) {
  Plan plan{program, {}, spec.fds, spec.log, spec.identity, &spec.user, {}};
  for (const std::string& arg : spec.args) plan.argv.push_back(const_cast<char*>(arg.c_str()));  // as execve wants it
  plan.argv.push_back(nullptr);
  constexpr std::size_t bits = 8 * sizeof(unsigned long);
  for (const CpuId cpu : spec.cpus) {
    plan.cpu_mask.resize(std::max(plan.cpu_mask.size(), cpu.value / bits + 1));
    plan.cpu_mask[cpu.value / bits] |= 1UL << (cpu.value % bits);
  }
  return plan;
}

[[noreturn]] void fail(Plan& plan, const char* step) {
  plan.failure = errno;
  plan.failed_step = step;
  ::_exit(127);
}

/// By the child itself: whoever kills us right now, a child that goes on has left its name.
void leave_identity(Plan& plan) {
  char line[4096];
  const int stat = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  const ssize_t size = stat < 0 ? -1 : ::read(stat, line, sizeof line);
  if (size <= 0 || ::write(plan.identity, line, static_cast<std::size_t>(size)) != size)
    fail(plan, "leave its identity");
}

void reset_signals(Plan& plan) {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal <= last_signal; ++signal) ::sigaction(signal, &standard, nullptr);  // some cannot be set
  sigset_t none;
  ::sigemptyset(&none);
  // The program inherits this; handlers that could run on our memory are gone by now.
  if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) fail(plan, "unblock signals");
}

/// First out of the way of the numbers they are to have, then each to its place. The program's comes behind the others
/// and closes when it is executed.
void place_descriptors(Plan& plan) {
  const int program = spawned_fd(plan.fds.size());
  const int end = program + 1;
  const auto move_up = [&plan, end](int& fd) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, end);
    if (fd < 0) fail(plan, "duplicate descriptors");
  };
  for (int& fd : plan.fds) move_up(fd);
  move_up(plan.log);
  move_up(plan.program);
  int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) fail(plan, "open /dev/null");
  move_up(null);

  const auto place = [&plan](int fd, int number) {
    if (::dup2(fd, number) < 0) fail(plan, "place descriptors");
  };
  place(null, STDIN_FILENO);
  place(null, STDOUT_FILENO);
  place(plan.log, STDERR_FILENO);
  for (std::size_t i = 0; i < plan.fds.size(); ++i) place(plan.fds[i], spawned_fd(i));
  if (::dup3(plan.program, program, O_CLOEXEC) < 0) fail(plan, "place descriptors");
  plan.program = program;
  if (::syscall(SYS_close_range, end, UINT_MAX, 0) != 0) fail(plan, "close other descriptors");
}

void become(Plan& plan, const User& user) {
  if (::syscall(SYS_setgroups, 0, nullptr) != 0) fail(plan, "drop groups");
  if (::syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0) fail(plan, "change group");
  if (::syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0) fail(plan, "change user");
}

int run_child(void* argument) {
  Plan& plan = *static_cast<Plan*>(argument);
  leave_identity(plan);
  place_descriptors(plan);
  if (::setsid() < 0) fail(plan, "start a session");
  if (::syscall(SYS_sched_setaffinity, 0, plan.cpu_mask.size() * sizeof(unsigned long), plan.cpu_mask.data()) < 0)
    fail(plan, "run on its CPUs");
  const rlimit no_core{0, 0};  // it would be all of the enclave's memory
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) fail(plan, "forbid core dumps");
  if (*plan.user) become(plan, **plan.user);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(plan, "give up new privileges");
  reset_signals(plan);
  char* environment[] = {nullptr};
  // By descriptor: the user need not be able to reach the path, which may lie in a private directory.
  ::syscall(SYS_execveat, plan.program, "", plan.argv.data(), environment, AT_EMPTY_PATH);
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
  const UniqueFd program(::open(spec.program.c_str(), O_PATH | O_CLOEXEC));
  if (!program) return last_errno("start " + spec.program.string());
  Plan plan = make_plan(spec, program.get());
  const auto stack = std::make_unique<std::byte[]>(stack_size);
  const SignalsBlocked blocked;
  int pidfd = -1;
  const pid_t pid = ::clone(run_child, stack.get() + stack_size, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan,
                            &pidfd);
  if (pid < 0) return last_errno("start " + spec.program.string());
  Spawned spawned{pid, UniqueFd(pidfd)};
  if (plan.failed_step == nullptr) return spawned;
  ::waitpid(pid, nullptr, 0);
  return errno_error(plan.failure, "start " + spec.program.string() + ": " + plan.failed_step);
}

}  // namespace hobbes::bridge
