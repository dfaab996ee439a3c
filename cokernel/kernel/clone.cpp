// SPDX-License-Identifier: Apache-2.0
// fork, vfork, clone, execve, exit, wait4: the calls by which processes and threads come and go.
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/exec.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

enum CloneFlags : uint64_t {
  CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800, CLONE_VFORK = 0x4000,
  CLONE_PARENT = 0x8000, CLONE_THREAD = 0x10000, CLONE_SETTLS = 0x80000, CLONE_PARENT_SETTID = 0x100000,
  CLONE_CHILD_CLEARTID = 0x200000, CLONE_CHILD_SETTID = 0x1000000,
};
constexpr uint64_t thread_flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
constexpr uint64_t namespace_flags = 0x7e020080;  // CLONE_NEW*

struct CloneRequest {
  uint64_t flags = 0;
  UserAddr stack = 0;  ///< the new stack pointer; 0: the parent's
  UserAddr parent_tid = 0, child_tid = 0, tls = 0;
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
  if ((request.flags & CLONE_CHILD_CLEARTID) != 0) self.clear_on_exit = request.child_tid;
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
  int error = process.space.copy_memory_of(handover.parent->process->space, handover.parent->registers->rsp);
  if (error == 0) error = process.space.map_all();
  if (error != 0) {
    finish_handover(handover, error);
    exit_process(killed_by(SIGKILL));
  }
  if ((request.flags & CLONE_CHILD_SETTID) != 0) (void)write_user(request.child_tid, self.tid);
  if ((request.flags & CLONE_SETTLS) != 0) port::set_user_tls(request.tls);
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
}

Sysret fork(Thread& self, const CloneRequest& request) {
  Process& parent = *self.process;
  Process* child = create_process(parent, parent.app);
  if (child == nullptr) return -EAGAIN;
  Thread& thread = *child->threads.front();
  inherit(thread, self);
  thread.alternate_stack = self.alternate_stack;
  {
    Guard guard(parent.files_lock);
    child->files = parent.files->copy();
    copy_string(child->cwd, parent.cwd, sizeof(child->cwd));
    child->umask = parent.umask;
  }
  if (child->files == nullptr) {
    discard_process(child);
    return -ENOMEM;
  }
  child->stubs.count = parent.stubs.count;
  memcpy(child->stubs.pages, parent.stubs.pages, sizeof(child->stubs.pages));
  child->image = parent.image;
  copy_string(child->executable, parent.executable, sizeof(child->executable));
  memcpy(child->command, parent.command, sizeof(child->command));
  memcpy(child->actions, parent.actions, sizeof(child->actions));
  child->arguments_start = parent.arguments_start;
  child->arguments_end = parent.arguments_end;
  child->environment_start = parent.environment_start;
  child->environment_end = parent.environment_end;
  child->auxiliary_start = parent.auxiliary_start;
  child->auxiliary_end = parent.auxiliary_end;

  ForkHandover handover{&self, request};
  thread.start = start_forked;
  thread.start_argument = &handover;
  const int pid = child->pid;
  if ((request.flags & CLONE_PARENT_SETTID) != 0) (void)write_user(request.parent_tid, pid);
  if (const int error = port::start_process(*child, thread); error != 0) {
    discard_process(child);
    return error;
  }
  // Not interruptible: the child works on our memory.
  while (__atomic_load_n(&handover.result, __ATOMIC_ACQUIRE) == 1) {
    const uint32_t seen = detail::wake_word();
    if (__atomic_load_n(&handover.result, __ATOMIC_ACQUIRE) == 1) port::wait(&self.wake_word, seen, never);
  }
  if (handover.result == 0) return pid;
  int status = 0, who = 0;
  (void)wait_for_child(parent, pid, status, 0, who);
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
  thread->tls = (request.flags & CLONE_SETTLS) != 0 ? request.tls : port::user_tls();
  thread->start = start_cloned;
  const int tid = thread->tid;
  if ((request.flags & CLONE_PARENT_SETTID) != 0) (void)write_user(request.parent_tid, tid);
  if ((request.flags & CLONE_CHILD_SETTID) != 0) (void)write_user(request.child_tid, tid);
  if (const int error = port::start_thread(*thread); error != 0) {
    discard_thread(thread);
    return error;
  }
  return tid;
}

Sysret clone(Thread& self, const CloneRequest& request) {
  if ((request.flags & namespace_flags) != 0) return -EPERM;
  if ((request.flags & CLONE_THREAD) != 0)
    return (request.flags & thread_flags) == thread_flags ? start_thread(self, request) : -EINVAL;
  // CLONE_VM without CLONE_THREAD is vfork and posix_spawn: the child gets a copy and the parent does not wait.
  return fork_patiently(self, request);
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

}  // namespace

Sysret sys_fork(Thread& self, const Args&) { return clone(self, {SIGCHLD}); }
Sysret sys_vfork(Thread& self, const Args&) { return clone(self, {CLONE_VFORK}); }

Sysret sys_clone(Thread& self, const Args& args) {
  return clone(self, {args[0], args[1], args[2], args[3], args[4]});
}

Sysret sys_clone3(Thread& self, const Args& args) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } request;
  if (args[1] < sizeof(request)) return -EINVAL;
  if (!read_user(args[0], request)) return -EFAULT;
  return clone(self, {request.flags | request.exit_signal, request.stack == 0 ? 0 : request.stack + request.stack_size,
                      request.parent_tid, request.child_tid, request.tls});
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

Sysret sys_wait4(Thread& self, const Args& args) {
  int status = 0, who = 0;
  const Sysret found = wait_for_child(*self.process, static_cast<int>(args[0]), status, static_cast<int>(args[2]), who);
  if (found <= 0) return found;
  if (args[1] != 0 && !write_user(args[1], status)) return -EFAULT;
  if (args[3] != 0) {
    const uint64_t usage[18] = {};
    if (!write_user(args[3], usage)) return -EFAULT;
  }
  return who;
}

Sysret sys_waitid(Thread& self, const Args& args) {
  constexpr int by_all = 0, by_pid = 1, by_group = 2, want_exited = 4;
  const int pid = args[0] == by_all ? -1 : args[0] == by_pid ? static_cast<int>(args[1]) : -static_cast<int>(args[1]);
  if (args[0] > by_group || (args[3] & want_exited) == 0) return -EINVAL;
  int status = 0, who = 0;
  const Sysret found = wait_for_child(*self.process, pid, status, static_cast<int>(args[3]), who);
  if (found < 0) return found;
  SignalInfo info{};
  if (found > 0) {
    info.signo = SIGCHLD;
    info.code = (status & 0x7f) == 0 ? 1 : 2;
    info.child.pid = who;
    info.child.status = (status & 0x7f) == 0 ? status >> 8 : status & 0x7f;
  }
  return args[2] == 0 || write_user(args[2], info) ? 0 : -EFAULT;
}

}  // namespace hobbes::lwk
