// SPDX-License-Identifier: Apache-2.0
// fork, vfork, clone, execve, exit: the calls by which processes and threads come and go.
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/exec.hpp"
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/pid_file.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

enum CloneFlags : uint64_t {
  CLONE_NEWTIME = 0x80, CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800,
  CLONE_PIDFD = 0x1000, CLONE_VFORK = 0x4000, CLONE_PARENT = 0x8000, CLONE_THREAD = 0x10000, CLONE_NEWNS = 0x20000,
  CLONE_SETTLS = 0x80000, CLONE_PARENT_SETTID = 0x100000, CLONE_CHILD_CLEARTID = 0x200000, CLONE_DETACHED = 0x400000,
  CLONE_CHILD_SETTID = 0x1000000, CLONE_NEWUSER = 0x10000000, CLONE_NEWPID = 0x20000000,
  CLONE_CLEAR_SIGHAND = 0x100000000, CLONE_INTO_CGROUP = 0x200000000,
};
constexpr uint64_t namespace_flags = 0x7e020080;  // CLONE_NEW*
constexpr uint64_t signal_mask = 0xff;            // CSIGNAL: the exit signal among clone's flags

struct CloneRequest {
  uint64_t flags = 0;
  int exit_signal = 0;
  UserAddr stack = 0;  ///< the new stack pointer; 0: the parent's
  UserAddr parent_tid = 0, child_tid = 0, tls = 0, pidfd = 0;

  [[nodiscard]] bool has(uint64_t flag) const { return (flags & flag) != 0; }
};

/// What a forking parent lends its child, on the parent's kernel stack, until the child has copied it.
struct ForkHandover {
  Thread* parent;
  CloneRequest request;
  int result = 1;  // 1: the child is at it
};

void enter_child(Thread& self, const Registers& from, const CloneRequest& request) {
  *self.registers = from;
  self.registers->rax = 0;
  self.registers->number = no_call;
  if (request.stack != 0) self.registers->rsp = request.stack;
  if (request.has(CLONE_CHILD_CLEARTID)) self.clear_on_exit = request.child_tid;
}

void finish_handover(ForkHandover& handover, int result) {
  Thread& parent = *handover.parent;
  // release: everything copied; partner: the parent's acquire. The handover is gone after it.
  __atomic_store_n(&handover.result, result, __ATOMIC_RELEASE);
  wake_thread(parent);
}

/// The first code of a forked process, in its own address space.
void start_forked(Thread& self) {
  auto& handover = *static_cast<ForkHandover*>(self.start_argument);
  Process& process = *self.process;
  const CloneRequest request = handover.request;
  enter_child(self, *handover.parent->registers, request);
  AddressSpace& memory = handover.parent->process->space;
  // What the parent sees of other ranks (smartmap.hpp) is not the child's, who would not learn of its changes.
  if (memory.end() < port::user_end) port::unmap(memory.end(), port::user_end - memory.end());
  int error = 0;
  if (process.lender != nullptr) {
    error = process.space.borrow_memory_of(memory);  // the machine's mappings are inherited, and stay as they are
  } else {
    error = process.space.copy_memory_of(memory, handover.parent->registers->rsp);
    if (error == 0) error = process.space.map_all();
  }
  if (error != 0) {
    finish_handover(handover, error);
    exit_process(killed_by(SIGKILL));
  }
  if (request.has(CLONE_CHILD_SETTID)) (void)write_user(request.child_tid, self.tid);
  if (request.has(CLONE_SETTLS)) port::set_user_tls(request.tls);
  finish_handover(handover, 0);
  port::enter_user(self);
}

void start_cloned(Thread& self) {
  port::set_user_tls(self.tls);
  port::enter_user(self);
}

void inherit(Thread& child, const Thread& parent) {
  child.mask = parent.mask;
  memcpy(child.affinity, parent.affinity, sizeof(child.affinity));
  child.scheduling = parent.scheduling.inherited();
}

/// What a forked process has of its parent, but for memory and files.
void inherit(Process& child, const Process& parent, const CloneRequest& request) {
  child.stubs.count = parent.stubs.count;
  memcpy(child.stubs.pages, parent.stubs.pages, sizeof(child.stubs.pages));
  child.image = parent.image;
  copy_string(child.executable, parent.executable, sizeof(child.executable));
  memcpy(child.command, parent.command, sizeof(child.command));
  memcpy(child.actions, parent.actions, sizeof(child.actions));
  if (request.has(CLONE_CLEAR_SIGHAND))
    for (SignalAction& action : child.actions)
      if (action.handler != sig_ignore) action = SignalAction{};
  child.arguments_start = parent.arguments_start;
  child.arguments_end = parent.arguments_end;
  child.environment_start = parent.environment_start;
  child.environment_end = parent.environment_end;
  child.auxiliary_start = parent.auxiliary_start;
  child.auxiliary_end = parent.auxiliary_end;
  child.exit_signal = request.exit_signal;
  child.credentials = parent.credentials;
  child.personality = parent.personality;
  inherit_limits(child, parent);
}

/// RLIMIT_NPROC counts the threads of a user.
bool may_have_another(Thread& self) {
  Process& process = *self.process;
  const uint64_t most = process.limits.at[limit_processes].soft;
  if (most == unlimited || process.credentials.may(cap_sys_resource)) return true;
  Guard guard(process_lock());
  uint64_t count = 0;
  const uint32_t user = process.credentials.user.real;
  for (const Process& other : all_processes())
    if (other.app != nullptr && other.credentials.user.real == user) count += other.thread_count;
  return count < most;
}

/// A pidfd of a child that has not started yet, given to the parent and written where it wants it.
int give_pidfd(Thread& self, Process& child, UserAddr to) {
  fs::FileRef file;
  if (const int error = fs::make_pid_file(0, file); error != 0) return error;
  {
    Guard guard(process_lock());
    fs::attach_pid_file(*file, child);
  }
  const auto fd = static_cast<int>(fs::add_file(self, file, true));
  if (fd < 0) return fd;
  if (write_user(to, fd)) return 0;
  (void)self.process->files->close(fd);
  return -EFAULT;
}

/// Until the child has its own memory (execve) or needs none (exit). Not interruptible: the child runs on ours.
void wait_for_loan(Thread& self) {
  sleep_until_done([&] { return __atomic_load_n(&self.has_lent, __ATOMIC_ACQUIRE) == 0; });
}

Sysret fork(Thread& self, const CloneRequest& request) {
  Process& process = *self.process;
  Process* child = create_process(request.has(CLONE_PARENT) ? *process.parent : process, process.app);
  if (child == nullptr) return -ENOMEM;
  Thread& thread = *child->threads.front();
  inherit(thread, self);
  thread.alternate_stack = self.alternate_stack;
  {
    Guard guard(process.files_lock);
    child->files = process.files->copy();
    copy_string(child->cwd, process.cwd, sizeof(child->cwd));
    child->umask = process.umask;
  }
  if (child->files == nullptr) {
    discard_process(child);
    return -ENOMEM;
  }
  inherit(*child, process, request);
  if (request.has(CLONE_PIDFD))
    if (const int error = give_pidfd(self, *child, request.pidfd); error != 0) {
      discard_process(child);
      return error;
    }

  ForkHandover handover{&self, request};
  thread.start = start_forked;
  thread.start_argument = &handover;
  const int pid = child->pid;
  if (request.has(CLONE_PARENT_SETTID)) (void)write_user(request.parent_tid, pid);
  if (request.has(CLONE_VFORK)) {
    self.has_lent = 1;
    child->lender = &self;
  }
  if (const int error = port::start_process(*child, thread); error != 0) {
    self.has_lent = 0;
    discard_process(child);
    return error;
  }
  // Not interruptible: the child works on our memory.
  sleep_until_done([&] { return __atomic_load_n(&handover.result, __ATOMIC_ACQUIRE) != 1; });
  wait_for_loan(self);
  if (handover.result == 0) return pid;
  Waited waited;
  (void)wait_for_child(process, {pid, wait_all}, waited);
  return handover.result;
}

/// All memory of a process is there from its first moment to its last. Whoever forks many that end at once is ahead of
/// those on their way out: what they are about to give back is waited for, a little while.
Sysret fork_patiently(Thread& self, const CloneRequest& request) {
  constexpr int64_t patience_ns = ns_per_second / 10, look_again_ns = ns_per_second / 1000;
  const int64_t deadline = monotonic_ns() + patience_ns;
  while (true) {
    const Sysret pid = fork(self, request);
    if (pid != -ENOMEM || signal_pending(self) || monotonic_ns() >= deadline) return pid;
    uint32_t word = 0;
    port::wait(&word, 0, monotonic_ns() + look_again_ns);
  }
}

Sysret start_thread(Thread& self, const CloneRequest& request) {
  Thread* thread = create_thread(*self.process);
  if (thread == nullptr) return -EAGAIN;
  inherit(*thread, self);
  enter_child(*thread, *self.registers, request);
  thread->tls = request.has(CLONE_SETTLS) ? request.tls : port::user_tls();
  thread->start = start_cloned;
  const int tid = thread->tid;
  if (request.has(CLONE_PARENT_SETTID)) (void)write_user(request.parent_tid, tid);
  if (request.has(CLONE_CHILD_SETTID)) (void)write_user(request.child_tid, tid);
  if (const int error = port::start_thread(*thread); error != 0) {
    discard_thread(thread);
    return error;
  }
  return tid;
}

/// What Linux refuses, and what this kernel cannot give: files or a directory that two processes share, memory that
/// they share for longer than vfork does.
Sysret refusal_of(const Thread& self, const CloneRequest& request) {
  constexpr uint64_t shared_by_threads = CLONE_FS | CLONE_FILES;
  const bool thread = request.has(CLONE_THREAD);
  if (request.has(CLONE_NEWNS | CLONE_NEWUSER) && request.has(CLONE_FS)) return -EINVAL;
  if (thread && !request.has(CLONE_SIGHAND)) return -EINVAL;
  if (request.has(CLONE_SIGHAND) && !request.has(CLONE_VM)) return -EINVAL;
  if (request.has(CLONE_SIGHAND) && request.has(CLONE_CLEAR_SIGHAND)) return -EINVAL;
  if (thread && request.has(CLONE_NEWUSER | CLONE_NEWPID)) return -EINVAL;
  if (request.has(CLONE_PIDFD) && request.has(CLONE_DETACHED | CLONE_THREAD)) return -EINVAL;
  if (request.has(CLONE_PARENT) && self.process->parent->pid == 1 && !thread) return -EINVAL;
  if (request.has(namespace_flags)) return -EPERM;
  if (thread) return (request.flags & shared_by_threads) == shared_by_threads ? 0 : -EINVAL;
  if (request.has(shared_by_threads | CLONE_SIGHAND)) return -EINVAL;
  return request.has(CLONE_VM) && !request.has(CLONE_VFORK) ? -EINVAL : 0;
}

Sysret clone(Thread& self, const CloneRequest& request) {
  if (const Sysret refusal = refusal_of(self, request); refusal != 0) return refusal;
  if (!may_have_another(self)) return -EAGAIN;
  return request.has(CLONE_THREAD) ? start_thread(self, request) : fork_patiently(self, request);
}

/// Linux's struct clone_args, in its three sizes.
struct CloneArgs {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, tids, tid_count, cgroup;
};
constexpr uint64_t first_clone_args = 64;
static_assert(sizeof(CloneArgs) == 88);

Sysret read_clone_args(UserAddr from, uint64_t size, CloneArgs& args) {
  if (size > page_size) return -E2BIG;
  if (size < first_clone_args) return -EINVAL;
  args = {};
  if (!copy_in(&args, from, min<uint64_t>(size, sizeof(args)))) return -EFAULT;
  for (uint64_t at = sizeof(args); at < size; ++at) {
    uint8_t byte = 0;
    if (!read_user(from + at, byte)) return -EFAULT;
    if (byte != 0) return -E2BIG;
  }
  return 0;
}

/// Nobody chooses thread ids here.
Sysret refusal_of_tids(const CloneArgs& args) {
  constexpr uint64_t most_levels = 32;
  if (args.tid_count > most_levels || (args.tids == 0) != (args.tid_count == 0)) return -EINVAL;
  return args.tid_count == 0 ? 0 : -EPERM;
}

Sysret refusal_of_args(const CloneArgs& args) {
  constexpr uint64_t known = 0xffffffff | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
  if ((args.exit_signal & ~signal_mask) != 0 || args.exit_signal > signal_count) return -EINVAL;
  constexpr uint64_t of_old_clone = CLONE_DETACHED | (signal_mask & ~CLONE_NEWTIME);
  if ((args.flags & (~known | of_old_clone)) != 0) return -EINVAL;
  if ((args.flags & (CLONE_THREAD | CLONE_PARENT)) != 0 && args.exit_signal != 0) return -EINVAL;
  if ((args.stack == 0) != (args.stack_size == 0)) return -EINVAL;
  if (args.stack != 0 && !is_user_range(args.stack, args.stack_size)) return -EINVAL;
  return (args.flags & CLONE_INTO_CGROUP) != 0 ? -EBADF : 0;
}

/// Copies a NULL-terminated vector of strings behind what `strings` has. 0 or -errno.
int gather(ProgramStrings& strings, uint64_t& capacity, UserAddr vector, uint32_t& count) {
  count = 0;
  if (vector == 0) return 0;
  for (;; ++count) {
    uint64_t pointer = 0;
    if (!read_user(vector + count * sizeof(uint64_t), pointer)) return -EFAULT;
    if (pointer == 0) return 0;
    if (pointer < port::user_start || pointer >= port::user_end) return -EFAULT;
    while (true) {
      const int64_t length = port::copy_string_from_user(strings.bytes + strings.size, pointer, capacity - strings.size);
      if (length == -1) return -EFAULT;
      if (length >= 0) {
        strings.size += static_cast<uint64_t>(length) + 1;
        break;
      }
      if (capacity >= program_strings_limit) return -E2BIG;
      auto* larger = static_cast<char*>(allocate(capacity * 4));
      if (larger == nullptr) return -ENOMEM;
      memcpy(larger, strings.bytes, strings.size);
      release(strings.bytes);
      strings.bytes = larger;
      capacity *= 4;
    }
  }
}

constexpr uint64_t first_strings_capacity = 8192;
/// A limit of the stack that is no size to map keeps the application's.
constexpr uint64_t smallest_exec_stack = 128 << 10, largest_exec_stack = 1ull << 34;

}  // namespace

Sysret sys_fork(Thread& self, const Args&) { return clone(self, {0, SIGCHLD}); }
Sysret sys_vfork(Thread& self, const Args&) { return clone(self, {CLONE_VM | CLONE_VFORK, SIGCHLD}); }

Sysret sys_clone(Thread& self, const Args& args) {
  CloneRequest request{static_cast<uint32_t>(args[0]) & ~signal_mask, 0, args[1], args[2], args[3], args[4], args[2]};
  const auto signal = static_cast<int>(args[0] & signal_mask);
  request.exit_signal = signal <= signal_count ? signal : 0;
  if (request.has(CLONE_PIDFD) && request.has(CLONE_PARENT_SETTID)) return -EINVAL;  // both would go to one place
  return clone(self, request);
}

Sysret sys_clone3(Thread& self, const Args& args) {
  CloneArgs wanted;
  if (const Sysret bad = read_clone_args(args[0], args[1], wanted); bad != 0) return bad;
  if (const Sysret refusal = refusal_of_args(wanted); refusal != 0) return refusal;
  if (const Sysret refusal = refusal_of_tids(wanted); refusal != 0) return refusal;
  CloneRequest request{wanted.flags, static_cast<int>(wanted.exit_signal), 0, wanted.parent_tid, wanted.child_tid,
                       wanted.tls, wanted.pidfd};
  if (wanted.stack != 0) request.stack = wanted.stack + wanted.stack_size;
  if (request.has(CLONE_PIDFD) && request.has(CLONE_PARENT_SETTID) && wanted.pidfd == wanted.parent_tid) return -EINVAL;
  return clone(self, request);
}

Sysret sys_execve(Thread& self, const Args& args) {
  Buffer path(path_limit);
  ProgramStrings strings;
  uint64_t capacity = first_strings_capacity;
  strings.bytes = static_cast<char*>(allocate(capacity));
  if (!path || strings.bytes == nullptr) return -ENOMEM;
  if (const int error = read_user_path(args[0], path.data()); error != 0) return error;
  if (const int error = gather(strings, capacity, args[1], strings.argc); error != 0) return error;
  if (const int error = gather(strings, capacity, args[2], strings.envc); error != 0) return error;
  const char* why = nullptr;
  bool gone = false;
  MemoryPlan plan = self.process->app->memory;
  plan.map_heap = false;  // it was asked for the application, not for whatever that starts
  const uint64_t stack = self.process->limits.at[limit_stack].soft, data = self.process->limits.at[limit_data].soft;
  if (stack < largest_exec_stack) plan.stack_size = max(stack, smallest_exec_stack);
  if (data != unlimited) plan.heap_size = data;
  const int error = execute(self, path.data(), strings, plan, why, gone);
  if (error != 0 && gone) {
    strings.~ProgramStrings();
    strings.bytes = nullptr;
    exit_process(killed_by(SIGKILL));
  }
  // The registers are the new program's: rax too.
  return error != 0 ? error : static_cast<Sysret>(self.registers->rax);
}

Sysret sys_exit(Thread&, const Args& args) { exit_thread(exited(static_cast<int>(args[0]))); }
Sysret sys_exit_group(Thread&, const Args& args) { exit_process(exited(static_cast<int>(args[0]))); }

}  // namespace hobbes::lwk
