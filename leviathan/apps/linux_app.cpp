// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/linux_app.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/log.hpp"
#include "base/spawn.hpp"
#include "cmdqueue/fd_passing.hpp"
#include "cmdqueue/wire_status.hpp"
#include "leviathan/apps/keeper/status_file.hpp"

namespace hobbes::leviathan::apps {
namespace {

namespace fs = std::filesystem;

/// To find and load a program, also from a slow file system.
constexpr timeval start_patience{.tv_sec = 60, .tv_usec = 0};

fs::path status_file(const fs::path& run_dir, AppId app) {
  return run_dir / "apps" / (std::to_string(app.value) + ".status");
}

Result<UniqueFd> job_file(const keeper::Job& job) {
  UniqueFd file(::memfd_create("keeper-job", MFD_CLOEXEC));
  if (!file) return last_errno("memory for a keeper's job");
  const auto bytes = protocol::encode(job);
  if (::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    return last_errno("memory for a keeper's job");
  }
  return file;
}

struct ControlPair {
  UniqueFd ours, keepers;
};
Result<ControlPair> control_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return last_errno("socket to a keeper");
  ControlPair pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &start_patience, sizeof start_patience) != 0) {
    return last_errno("socket to a keeper");
  }
  return pair;
}

/// Gives the go and hears what became of it.
Result<pid_t> let_it_start(int control) {
  const std::array go{std::byte{1}};
  TRY(cmdqueue::send_fds(control, go, {}));
  const auto answer = TRY(cmdqueue::receive_fds(control, keeper::max_answer));
  const auto started = TRY(protocol::decode<keeper::Started>(answer.bytes));
  if (started.status != HOBBES_STATUS_OK) return cmdqueue::from_wire(started.status, started.sys_errno, started.text);
  return started.pid;
}

}  // namespace

Result<LinuxApp> start_linux_app(const fs::path& run_dir, AppId app, keeper::Job job, const std::vector<int>& stdio,
                                const std::vector<UniqueFd>& rank_fds, const std::vector<UniqueFd>& memory) {
  const fs::path program = TRY(find_helper(keeper_program));
  TRY(apps_dir(run_dir));
  job.status_file = status_file(run_dir, app);
  job.pmi = !rank_fds.empty();
  const UniqueFd file = TRY(job_file(job));
  ControlPair control = TRY(control_pair());
  SpawnSpec spec{.program = program,
                 .args = {std::string(keeper_program)},
                 .env = helper_environment(run_dir, app),
                 .fds = stdio,
                 .cwd = "/",
                 .new_session = true};
  spec.fds.push_back(file.get());
  spec.fds.push_back(control.keepers.get());
  for (const UniqueFd& fd : rank_fds) spec.fds.push_back(fd.get());
  for (const UniqueFd& fd : memory) spec.fds.push_back(fd.get());
  Child child = TRY(spawn(spec));
  control.keepers.reset();  // so that its death is our end of file
  const auto pid = let_it_start(control.ours.get());
  if (!pid) {
    end_helper(child.pidfd.get());
    await_helper_end(child.pidfd.get());
    return pid.error();
  }
  return LinuxApp{{child.pid, std::move(child.pidfd)}, *pid};
}

Status signal_linux_app(int keeper_pidfd, int signal) {
  siginfo_t info = {};
  info.si_signo = keeper::deliver_signal();
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_int = signal;
  if (::syscall(SYS_pidfd_send_signal, keeper_pidfd, info.si_signo, &info, 0) == 0) return {};
  if (errno == ESRCH) return Error(Code::unavailable, "application: has ended", ESRCH);
  return last_errno("application: signalling its keeper");
}

void undo_linux_app(const fs::path& run_dir, AppId app, int keeper_pidfd) {
  if (const Status killed = signal_linux_app(keeper_pidfd, SIGKILL); !killed) end_helper(keeper_pidfd);
  await_helper_end(keeper_pidfd);
  forget_linux_app(run_dir, app);
}

End end_of_linux_app(const fs::path& run_dir, AppId app) {
  const auto status = keeper::read_status_file(status_file(run_dir, app));
  if (!status) return {.signal = SIGKILL, .reason = status.error().text()};
  if (!*status) return {.signal = SIGKILL, .reason = "its keeper was killed"};
  const keeper::Ending& ending = **status;
  return {.exit_code = ending.status.exit_code, .signal = ending.status.signal, .reason = ending.reason};
}

void forget_linux_app(const fs::path& run_dir, AppId app) {
  std::error_code ignored;  // a leftover is overwritten never: ids are not reused
  fs::remove(status_file(run_dir, app), ignored);
}

Result<fs::path> apps_dir(const fs::path& run_dir) {
  fs::path dir = run_dir / "apps";
  std::error_code failed;
  fs::create_directory(dir, failed);
  if (failed) return errno_error(failed.value(), "'" + dir.string() + "'");
  return dir;
}

fs::path log_file(const fs::path& run_dir, AppId app) {
  return run_dir / "apps" / (std::to_string(app.value) + ".log");
}

}  // namespace hobbes::leviathan::apps
