// SPDX-License-Identifier: Apache-2.0
#include "hpmmap/start.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/unique_fd.hpp"
#include "hpmmap/filter.hpp"

namespace hobbes::hpmmap {
namespace {

constexpr unsigned long what_stops = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
                                     PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;

struct Pipe {
  UniqueFd out, in;
};
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return last_errno("hpmmap: pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// The child, until it is the program: waits until it is traced, and says what went wrong.
[[noreturn]] void become(const std::string& program, char* const* args, int go, int failure) {
  char byte = 0;
  int error = ::read(go, &byte, 1) == 1 ? install_filter() : ECANCELED;
  if (error == 0) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(program.c_str(), args);
    error = errno;
  }
  [[maybe_unused]] const ssize_t told = ::write(failure, &error, sizeof error);
  ::_exit(127);
}

Status trace(pid_t child, int go) {
  if (::ptrace(PTRACE_SEIZE, child, nullptr, what_stops) != 0) return last_errno("hpmmap: tracing the program");
  if (::write(go, "", 1) != 1) return last_errno("hpmmap: starting the program");
  return {};
}

}  // namespace

Result<Started> start_traced(const Options& options) {
  for (std::size_t i = 0; i < options.blocks; ++i) ::fcntl(options.first_fd + static_cast<int>(i), F_SETFD, FD_CLOEXEC);
  std::vector<char*> args;
  for (const std::string& arg : options.args) args.push_back(const_cast<char*>(arg.c_str()));
  args.push_back(nullptr);
  const Pipe go = TRY(make_pipe());
  Pipe failure = TRY(make_pipe());
  const pid_t child = ::fork();
  if (child < 0) return last_errno("hpmmap: fork");
  if (child == 0) become(options.program, args.data(), go.out.get(), failure.in.get());
  failure.in.reset();
  if (const Status traced = trace(child, go.in.get()); !traced) {
    ::kill(child, SIGKILL);
    return traced.error();
  }
  return Started{child, std::move(failure.out)};
}

}  // namespace hobbes::hpmmap
