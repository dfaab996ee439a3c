// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/keeper/run.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/log.hpp"
#include "cmdqueue/fd_passing.hpp"
#include "cmdqueue/wire_status.hpp"
#include "leviathan/apps/keeper/descendants.hpp"
#include "leviathan/apps/keeper/rank_death.hpp"
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
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::uint32_t cpu : cpus) {
    if (cpu >= CPU_SETSIZE) return Error(Code::invalid, "CPU " + std::to_string(cpu) + ": there is none of that number");
    CPU_SET(cpu, &set);
  }
  if (::sched_setaffinity(0, sizeof set, &set) != 0) return last_errno("running on the CPUs asked for");
  return {};
}

/// Those of the job, or all we may run on.
std::vector<std::uint32_t> cpus_of(const Job& job) {
  if (!job.cpus.empty()) return job.cpus;
  cpu_set_t ours;
  CPU_ZERO(&ours);
  std::vector<std::uint32_t> cpus;
  if (::sched_getaffinity(0, sizeof ours, &ours) != 0) return cpus;
  for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &ours)) cpus.push_back(cpu);
  }
  return cpus;
}

/// One rank's part of `cpus`: where there are fewer than ranks, all.
std::vector<std::uint32_t> share_of(const std::vector<std::uint32_t>& cpus, std::uint32_t rank, std::uint32_t ranks) {
  if (cpus.size() < ranks) return cpus;
  const auto place = [&](std::uint32_t number) {
    return cpus.begin() + static_cast<std::ptrdiff_t>(std::uint64_t{number} * cpus.size() / ranks);
  };
  return {place(rank), place(rank + 1)};
}

/// The processes that are the application: one a rank.
class Ranks {
 public:
  [[nodiscard]] Status start(const Job& job) {
    first_number_ = job.first_rank;
    is_job_ = job.job_ranks > 1;
    const std::vector<std::uint32_t> cpus = cpus_of(job);
    for (std::uint32_t rank = 0; rank < job.ranks; ++rank) {
      if (!cpus.empty()) TRY(confine(share_of(cpus, rank, job.ranks)));  // it inherits our CPUs
      TRY(start_one(job, rank));
    }
    return {};
  }
  [[nodiscard]] pid_t group() const { return group_; }
  [[nodiscard]] bool any_alive() const { return !alive_.empty(); }
  [[nodiscard]] const Ending& ending() const { return ending_; }
  /// A rank's death has ended the job.
  [[nodiscard]] bool job_is_dead() const { return !ending_.reason.empty(); }

  void signal_all(int number) {
    sent_.insert(number);
    number == SIGKILL ? kill_descendants() : static_cast<void>(::kill(-group_, number));
  }

  /// Takes in all children that have ended; orphans of the application come here too and do not count.
  void reap_ended() {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto rank = alive_.extract(pid);
      if (rank.empty()) continue;
      ended(rank.mapped(),
            {WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0});
    }
  }

 private:
  void ended(std::uint32_t rank, const ExitStatus& end) {
    const bool success_so_far = ending_.status.exit_code == 0 && ending_.status.signal == 0;
    if (success_so_far) ending_.status = end;
    // What was sent to all of them is nobody's death alone.
    const bool died = end.signal != 0 && !sent_.contains(end.signal) && !sent_.contains(SIGKILL);
    if (died && is_job_ && !job_is_dead()) ending_.reason = rank_death(first_number_ + rank, end.signal);
  }

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
    if (is_job_) {
      spec.env.push_back("PMI_RANK=" + std::to_string(first_number_ + rank));
      spec.env.push_back("PMI_SIZE=" + std::to_string(job.job_ranks));
    }
    if (job.pmi) spec.fds.push_back(first_rank_fd + static_cast<int>(rank));
    const std::uint32_t first_memory_fd = (job.pmi ? job.ranks : 0) + rank * job.memory_fds;
    for (std::uint32_t i = 0; i < job.memory_fds; ++i) {
      spec.fds.push_back(first_rank_fd + static_cast<int>(first_memory_fd + i));
    }
    const Child child = TRY(spawn(spec));
    if (group_ == 0) group_ = child.pid;
    alive_.emplace(child.pid, rank);
    return {};
  }

  std::uint32_t first_number_ = 0;
  bool is_job_ = false;
  pid_t group_ = 0;
  std::map<pid_t, std::uint32_t> alive_;  ///< their places here
  std::set<int> sent_;                    ///< signals that all got
  Ending ending_;
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

/// They are the ranks' own: each one's end is the end of its descriptor.
void let_go_of_rank_fds(const Job& job) {
  const std::uint32_t count = (job.pmi ? job.ranks : 0) + job.ranks * job.memory_fds;
  if (count > 0) ::close_range(first_rank_fd, first_rank_fd + count - 1, 0);
}

/// Whoever reads the application's output waits for the last holder of its descriptors: that must not be us.
void let_go_of_stdio() {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
}

void handle(Ranks& ranks, const signalfd_siginfo& info) {
  const auto number = static_cast<int>(info.ssi_signo);
  if (number != SIGCHLD) return ranks.signal_all(number == deliver_signal() ? info.ssi_int : number);
  ranks.reap_ended();
  if (ranks.job_is_dead()) kill_descendants();
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
  let_go_of_rank_fds(job);
  wait_for_end(ranks, signals.get());
  end_leftovers();
  return write_status_file(job.status_file, ranks.ending());
}

}  // namespace hobbes::leviathan::apps::keeper
