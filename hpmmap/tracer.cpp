// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/address_space.hpp"
// Before what has <errno.h>, whose macros have the names of the co-kernel's constants.
#include "hpmmap/tracer.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>

#include "hpmmap/start.hpp"
#include "hpmmap/stub.hpp"

namespace hobbes::hpmmap {
namespace {

constexpr unsigned long long code_of_32_bits = 0x23;

void go_on(pid_t thread, long signal = 0) { ::ptrace(PTRACE_CONT, thread, nullptr, signal); }

pid_t told_by_event(pid_t thread) {
  unsigned long message = 0;
  ::ptrace(PTRACE_GETEVENTMSG, thread, nullptr, &message);
  return static_cast<pid_t>(message);
}

struct CloneCall {
  std::uint64_t flags = 0;
  std::uint64_t child_tid = 0;
};
/// What clone3 is told, as far as it matters here.
struct CloneArguments {
  std::uint64_t flags, pidfd, child_tid;
};

CloneCall clone_call_of(const Tracee& tracee) {
  const user_regs_struct& call = tracee.registers();
  CloneArguments arguments{};
  switch (call.orig_rax) {
    case SYS_vfork:
      return {CLONE_VM, 0};
    case SYS_clone:
      return {call.rdi, call.r10};
    case SYS_clone3:
      if (tracee.read(call.rdi, &arguments, sizeof arguments)) return {arguments.flags, arguments.child_tid};
      return {};
    default:
      return {};
  }
}

/// Changes the flags of the clone call that the thread has stopped in.
void set_clone_flags(Tracee& tracee, std::uint64_t flags) {
  if (tracee.registers().orig_rax == SYS_clone3) {
    (void)tracee.write(tracee.registers().rdi, &flags, sizeof flags);
    return;
  }
  user_regs_struct changed = tracee.registers();
  changed.rdi = flags;
  ::ptrace(PTRACE_SETREGS, tracee.thread(), nullptr, &changed);
}

/// At the end of an execve that succeeded, where the new program's registers may be changed.
bool leave_exec(pid_t thread) {
  int status = 0;
  return ::ptrace(PTRACE_SYSCALL, thread, nullptr, nullptr) == 0 && ::waitpid(thread, &status, __WALL) == thread &&
         WIFSTOPPED(status);
}

}  // namespace

Tracer::Tracer(const Options& options)
    : stack_size_(options.stack_size), stub_(stub_image(options.first_fd, options.blocks)) {}

Result<int> Tracer::run(const Options& options) {
  const Started started = TRY(start_traced(options));
  main_ = started.pid;
  programs_[main_] = nullptr;
  while (!over_) {
    int status = 0;
    const pid_t thread = ::waitpid(-1, &status, __WALL);
    if (thread < 0 && errno == EINTR) continue;
    if (thread < 0) return last_errno("hpmmap: waiting for the program");
    if (WIFSTOPPED(status)) stopped(thread, status);
    else ended(thread, status);
  }
  int error = 0;
  if (!has_run_ && ::read(started.failure.get(), &error, sizeof error) == sizeof error) {
    return errno_error(error, "hpmmap: '" + options.program + "'");
  }
  return status_;
}

void Tracer::ended(pid_t thread, int status) {
  programs_.erase(thread);
  early_.erase(thread);
  if (thread != main_) return;
  over_ = true;
  status_ = status;
}

void Tracer::stopped(pid_t thread, int status) {
  if (const int number = status >> 16; number != 0) return event(thread, number | (WSTOPSIG(status) << 16));
  go_on(thread, WSTOPSIG(status));  // a signal of the program's own
}

void Tracer::event(pid_t thread, int number) {
  switch (number & 0xffff) {
    case PTRACE_EVENT_SECCOMP:
      return call(thread);
    case PTRACE_EVENT_EXEC:
      return executed(thread);
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      return cloned(thread);
    case PTRACE_EVENT_STOP:
      return group_stopped(thread, number >> 16);
    default:
      return go_on(thread);
  }
}

void Tracer::group_stopped(pid_t thread, int signal) {
  if (!programs_.contains(thread)) {
    early_.insert(thread);
    return;
  }
  const bool is_stop = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
  ::ptrace(is_stop ? PTRACE_LISTEN : PTRACE_CONT, thread, nullptr, nullptr);
}

void Tracer::call(pid_t thread) {
  const ProgramPtr program = programs_[thread];
  if (!program) return go_on(thread);
  Tracee tracee(thread);
  if (tracee.registers().orig_rax == SYS_clone || tracee.registers().orig_rax == SYS_clone3) {
    begin_clone(tracee);
    return go_on(thread);
  }
  (void)program->serve(tracee);
  finish(tracee);
}

/// A new process shares its parent's memory until we have copied it: nothing is written there for the child.
void Tracer::begin_clone(Tracee& tracee) {
  const CloneCall call = clone_call_of(tracee);
  if ((call.flags & CLONE_VM) != 0 || (call.flags & CLONE_CHILD_SETTID) == 0) return;
  clones_[tracee.thread()] = call.child_tid;
  set_clone_flags(tracee, call.flags & ~std::uint64_t{CLONE_CHILD_SETTID});
}

/// The thread goes on, or what it came to instead is seen to.
void Tracer::finish(Tracee& tracee) {
  tracee.restore();
  const pid_t thread = tracee.thread();
  if (!tracee.is_gone()) go_on(thread);
  for (const int status : tracee.take_missed()) WIFSTOPPED(status) ? stopped(thread, status) : ended(thread, status);
}

void Tracer::executed(pid_t thread) {
  if (const pid_t former = told_by_event(thread); former != thread) programs_.erase(former);
  programs_[thread] = nullptr;
  has_run_ = true;
  if (!leave_exec(thread)) return;
  Tracee tracee(thread);
  if (tracee.registers().cs != code_of_32_bits) {
    const auto program = std::make_shared<Program>();
    if (tracee.place_stub(stub_)) {
      program->take_over(tracee, stack_size_);
      programs_[thread] = program;
    } else if (!tracee.is_gone()) {
      std::cerr << "hpmmap: process " << thread << ": its memory is Linux's: it could not be prepared\n";
    }
  }
  finish(tracee);
}

void Tracer::cloned(pid_t thread) {
  const pid_t child = told_by_event(thread);
  Tracee parent(thread);
  const CloneCall call = clone_call_of(parent);
  const ProgramPtr program = programs_[thread];
  const bool alone = program != nullptr && (call.flags & CLONE_VM) == 0;
  const auto untold = clones_.extract(thread);
  if (alone && untold) set_clone_flags(parent, call.flags | CLONE_CHILD_SETTID);
  programs_[child] = alone ? nullptr : program;
  if (wait_for_start(child)) {
    if (alone) start_child(child, *program, untold ? untold.mapped() : 0);
    else go_on(child);
  }
  go_on(thread);
}

/// With memory of its own. `child_tid`: where it finds its number, or 0.
void Tracer::start_child(pid_t child, Program& parent, std::uint64_t child_tid) {
  Tracee tracee(child);
  const auto copy = std::make_shared<Program>();
  if (copy->copy(tracee, parent)) {
    programs_[child] = copy;
    if (child_tid != 0) {
      (void)tracee.write(child_tid, &child, sizeof child);
      if (tracee.registers().orig_rax == SYS_clone) tracee.set_first_argument(tracee.registers().rdi | CLONE_CHILD_SETTID);
    }
  } else if (!tracee.is_gone()) {
    std::cerr << "hpmmap: process " << child << " has no memory for a copy of its parent's: it is killed\n";
    ::kill(child, SIGKILL);
  }
  finish(tracee);
}

/// New threads stop before their first instruction, sooner or later than we are told of them. False: it was killed.
bool Tracer::wait_for_start(pid_t child) {
  if (early_.erase(child) != 0) return true;
  int status = 0;
  if (::waitpid(child, &status, __WALL) != child) return false;
  if (WIFSTOPPED(status)) return true;
  ended(child, status);
  return false;
}

}  // namespace hobbes::hpmmap
