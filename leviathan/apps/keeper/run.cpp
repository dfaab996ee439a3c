// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/keeper/run.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "base/log.hpp"
#include "cmdqueue/fd_passing.hpp"
#include "cmdqueue/wire_status.hpp"
#include "leviathan/apps/keeper/descendants.hpp"
#include "leviathan/apps/keeper/status_file.hpp"

namespace hobbes::leviathan::apps::keeper {
namespace {

/// All signals that concern us come through one descriptor; those a terminal or a shutdown sends to everybody are the
/// application's business.
Result<UniqueFd> take_signals() {
  sigset_t mine;
  ::sigemptyset(&mine);
  for (const int number : {SIGCHLD, SIGTERM, deliver_signal()}) ::sigaddset(&mine, number);
  if (::sigprocmask(SIG_BLOCK, &mine, nullptr) != 0) return last_errno("keeper: blocking signals");
  for (const int number : {SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(number, SIG_IGN);
  UniqueFd signals(::signalfd(-1, &mine, SFD_CLOEXEC));
  if (!signals) return last_errno("keeper: signalfd");
  return signals;
}

Status confine(const std::vector<std::uint32_t>& cpus) {
  if (cpus.empty()) return {};
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::uint32_t cpu : cpus) {
    if (cpu >= CPU_SETSIZE) return Error(Code::invalid, "CPU " + std::to_string(cpu) + ": there is none of that number");
    CPU_SET(cpu, &set);
  }
  if (::sched_setaffinity(0, sizeof set, &set) != 0) return last_errno("running on the CPUs asked for");
  return {};
}

/// The processes that are the application: one a rank.
class Ranks {
 public:
  [[nodiscard]] Status start(const Job& job) {
    for (std::uint32_t rank = 0; rank < job.ranks; ++rank) TRY(start_one(job, rank));
    return {};
  }
  [[nodiscard]] pid_t group() const { return group_; }
  [[nodiscard]] bool any_alive() const { return !alive_.empty(); }
  [[nodiscard]] const ExitStatus& result() const { return result_; }

  /// Takes in all children that have ended; orphans of the application come here too and do not count.
  void reap_ended() {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (alive_.erase(pid) == 0) continue;
      const ExitStatus end{WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
      const bool success_so_far = result_.exit_code == 0 && result_.signal == 0;
      if (success_so_far) result_ = end;
    }
  }

 private:
  [[nodiscard]] Status start_one(const Job& job, std::uint32_t rank) {
    SpawnSpec spec{.program = job.program,
                   .args = job.args,
                   .env = job.env,
                   .fds = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO},
                   .user = job.user,
                   .cwd = job.cwd,
                   .umask = static_cast<mode_t>(job.umask),
                   .group = group_,
                   .die_with_parent = true};
    if (job.ranks > 1) {
      spec.env.push_back("PMI_RANK=" + std::to_string(rank));
      spec.env.push_back("PMI_SIZE=" + std::to_string(job.ranks));
    }
    const Child child = TRY(spawn(spec));
    if (group_ == 0) group_ = child.pid;
    alive_.insert(child.pid);
    return {};
  }

  pid_t group_ = 0;
  std::set<pid_t> alive_;
  ExitStatus result_;
};

void answer(const Started& started) {
  const auto bytes = protocol::encode(started);
  if (const Status sent = cmdqueue::send_fds(control_fd, bytes, {}); !sent) {
    log::warning("keeper: leviathan has gone: " + sent.error().text());  // the next one finds us
  }
  ::close(control_fd);
}

void answer_failure(const Error& error) {
  answer({.status = cmdqueue::to_wire(error.code()), .sys_errno = error.sys_errno(), .text = error.text()});
}

/// Whoever reads the application's output waits for the last holder of its descriptors: that must not be us.
void let_go_of_stdio() {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
}

void deliver(const Ranks& ranks, int number) {
  if (number == SIGKILL) {
    kill_descendants();
  } else {
    ::kill(-ranks.group(), number);
  }
}

void handle(Ranks& ranks, const signalfd_siginfo& info) {
  const auto number = static_cast<int>(info.ssi_signo);
  if (number == SIGCHLD) return ranks.reap_ended();
  deliver(ranks, number == deliver_signal() ? info.ssi_int : number);
}

void wait_for_end(Ranks& ranks, int signals) {
  while (ranks.any_alive()) {
    signalfd_siginfo info;
    if (::read(signals, &info, sizeof info) == sizeof info) handle(ranks, info);
  }
}

void end_leftovers() {
  do {
    kill_descendants();
  } while (::waitpid(-1, nullptr, 0) > 0 || errno != ECHILD);
}

Status start(const Job& job, Ranks& ranks) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return last_errno("keeper: becoming a subreaper");
  TRY(confine(job.cpus));
  return ranks.start(job);
}

}  // namespace

Status run(const Job& job) {
  Ranks ranks;
  const UniqueFd signals = TRY(take_signals());
  if (Status started = start(job, ranks); !started) {
    end_leftovers();
    answer_failure(started.error());
    return started;
  }
  answer({.pid = ranks.group()});
  let_go_of_stdio();
  wait_for_end(ranks, signals.get());
  end_leftovers();
  return write_status_file(job.status_file, ranks.result());
}

}  // namespace hobbes::leviathan::apps::keeper
