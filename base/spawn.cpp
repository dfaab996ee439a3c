// SPDX-License-Identifier: Apache-2.0
// The child runs in our memory (CLONE_VM) while our thread stands still (CLONE_VFORK), so it starts fast however large
// we are, and tells its error by writing it down. It has descriptors, signal actions and credentials of its own, but
// shares everything glibc keeps: it makes system calls only, and those that glibc would carry out in all threads
// (setuid and friends) by number.
#include "base/spawn.hpp"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "base/clone_in_memory.hpp"

namespace hobbes {
namespace {

constexpr std::size_t child_stack_size = 64 * 1024;
constexpr int exit_code_unused = 127;  // the parent reads the error, not this

enum class Step { none, session, descriptors, user, directory, exec };

struct Plan {
  const SpawnSpec& spec;
  std::vector<char*> argv, envp;
  std::vector<int> moved;  // room for the descriptors on their way
  pid_t parent = 0;
  // Written by the child.
  Step failed = Step::none;
  int error = 0;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

bool reset_signals() {
  for (int number = 1; number < NSIG; ++number) reset_signal_in_clone(number);  // some may not be changed
  sigset_t none;
  ::sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

bool join_group(const SpawnSpec& spec) {
  if (spec.new_session && ::setsid() < 0) return false;
  return !spec.group || ::setpgid(0, *spec.group) == 0;
}

bool place_descriptors(Plan& plan) {
  const auto count = static_cast<int>(plan.spec.fds.size());
  for (int i = 0; i < count; ++i) {
    // Above all targets first, so that none is overwritten before it was copied.
    const int fd = ::fcntl(plan.spec.fds[static_cast<std::size_t>(i)], F_DUPFD_CLOEXEC, count);
    if (fd < 0) return false;
    plan.moved[static_cast<std::size_t>(i)] = fd;
  }
  for (int i = 0; i < count; ++i) {
    if (::dup2(plan.moved[static_cast<std::size_t>(i)], i) < 0) return false;
  }
  return ::syscall(SYS_close_range, count, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

bool become(const User& user) {
  return ::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) == 0 &&
         ::syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
         ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

/// Asked for last: a change of user takes it back.
bool tie_to_parent(pid_t parent) {
  return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent;
}

Step prepare(Plan& plan) {
  const SpawnSpec& spec = plan.spec;
  if (!join_group(spec)) return Step::session;
  if (!place_descriptors(plan)) return Step::descriptors;
  if (spec.user && !become(*spec.user)) return Step::user;
  if (spec.die_with_parent && !tie_to_parent(plan.parent)) return Step::session;
  if (spec.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Step::session;
  if (spec.umask) ::umask(*spec.umask);
  if (spec.cwd && ::chdir(spec.cwd->c_str()) != 0) return Step::directory;
  return reset_signals() ? Step::none : Step::session;
}

int child_main(void* argument) {
  Plan& plan = *static_cast<Plan*>(argument);
  plan.failed = prepare(plan);
  if (plan.failed == Step::none) {
    ::execve(plan.spec.program.c_str(), plan.argv.data(), plan.envp.data());
    plan.failed = Step::exec;
  }
  plan.error = errno;
  leave_clone(exit_code_unused);
}

Error failure(const Plan& plan) {
  const std::string program = plan.spec.program.string();
  switch (plan.failed) {
    case Step::directory:
      return errno_error(plan.error, "'" + *plan.spec.cwd + "'");
    case Step::user:
      return errno_error(plan.error, "'" + program + "': becoming user " + std::to_string(plan.spec.user->uid));
    case Step::session:
    case Step::descriptors:
      return errno_error(plan.error, "'" + program + "': preparing its process");
    case Step::exec:
    case Step::none:
      break;
  }
  return errno_error(plan.error, "'" + program + "'");
}

/// No signal may run a handler of ours in the child.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Result<Child> spawn(const SpawnSpec& spec) {
  Plan plan{.spec = spec,
            .argv = pointers(spec.args),
            .envp = pointers(spec.env),
            .moved = std::vector<int>(spec.fds.size()),
            .parent = ::getpid()};
  std::vector<std::max_align_t> stack(child_stack_size / sizeof(std::max_align_t));
  int pidfd = -1;
  pid_t pid = -1;
  {
    const AllSignalsBlocked blocked;
    pid = clone_in_memory(child_main, stack.data() + stack.size(), &plan, pidfd);
  }
  if (pid < 0) return last_errno("'" + spec.program.string() + "': starting a process");
  Child child{pid, UniqueFd(pidfd)};
  if (plan.failed == Step::none) return child;
  ::waitpid(pid, nullptr, 0);
  return failure(plan);
}

Result<std::optional<ExitStatus>> reap(int pidfd) {
  siginfo_t info = {};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) != 0) {
    if (errno != EINTR) return last_errno("waiting for a child");
  }
  if (info.si_pid == 0) return std::optional<ExitStatus>();
  const bool exited = info.si_code == CLD_EXITED;
  return std::optional(ExitStatus{exited ? info.si_status : 0, exited ? 0 : info.si_status});
}

}  // namespace hobbes
