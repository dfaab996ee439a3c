// SPDX-License-Identifier: Apache-2.0
// Births and deaths. A thread that has left still runs on its kernel stack until the port is done with it; such threads
// wait in `departed` and are freed by whoever creates or leaves next. Some rest instead: programs that make one thread make
// another, and what the machine has of it is the dearest part of a thread.
#include "cokernel/kernel/process_table.hpp"

#include "cokernel/kernel/apps.hpp"
#include "cokernel/kernel/call_statistics.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/futex.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/idle.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/smartmap.hpp"
#include "cokernel/kernel/segments.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/xemem.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint64_t kernel_stack_size = 64 << 10;
constexpr uint32_t most_resting = 8;  ///< of a process
constexpr int first_pid = 2;
constexpr int last_pid = 4194303;  // Linux's limit (PID_MAX_LIMIT)

Mutex table_lock;
List<Process, ProcessNode> processes;
List<Thread, ThreadNode> departed;
Process the_init;
int next_pid = first_pid;

int new_pid() {
  while (true) {
    const int pid = next_pid;
    next_pid = next_pid == last_pid ? first_pid : next_pid + 1;
    if (find_process(pid) == nullptr && find_thread(pid) == nullptr) return pid;
  }
}

void free_thread(Thread* thread) {
  release(thread->kernel_stack);
  delete thread;
}

void prepare_stack(Thread& thread, void* stack) {
  thread.kernel_stack = stack;
  // 8 off alignment: a call after the Registers are pushed finds the stack aligned as the ABI wants it.
  thread.kernel_stack_top = reinterpret_cast<uint64_t>(stack) + kernel_stack_size - 8;
  thread.registers = reinterpret_cast<Registers*>(thread.kernel_stack_top - sizeof(Registers));
  memset(thread.registers, 0, sizeof(Registers));
}

Thread* new_thread() {
  if (page_allocator().is_low()) return nullptr;
  Owned<Thread> thread(new (nothrow) Thread);
  void* stack = thread ? allocate(kernel_stack_size) : nullptr;
  if (stack == nullptr) return nullptr;
  prepare_stack(*thread, stack);
  return thread.release();
}

/// Makes a resting thread anew. `started` is 0 all the while: the machine looks at it.
Thread* renewed(Thread& thread) {
  void* const stack = thread.kernel_stack;
  const uint32_t tid = thread.port_tid, process = thread.port_process;
  const PortThread port = thread.port;
  thread.~Thread();
  new (static_cast<void*>(&thread)) Thread;
  prepare_stack(thread, stack);
  thread.port_tid = tid;
  thread.port_process = process;
  thread.port = port;
  thread.has_rested = true;
  return &thread;
}

/// Under table_lock. Null: nobody rests.
Thread* take_resting(Process& process) {
  Thread* thread = process.resting.pop_front();
  if (thread == nullptr) return nullptr;
  --process.resting_count;
  return renewed(*thread);
}

/// Under table_lock: keeps one that has just left for another. False if enough rest, or nobody will need them.
bool keep_resting(Thread& thread) {
  Process& process = *thread.process;
  if (!port::keeps_threads() || process.exiting || process.in_exec || process.resting_count == most_resting) return false;
  thread.started = 0;
  process.resting.push_back(thread);
  ++process.resting_count;
  return true;
}

/// Under table_lock: the machine ends them with their process.
void dismiss_resting(Process& process) {
  while (Thread* thread = process.resting.pop_front()) departed.push_back(*thread);
  process.resting_count = 0;
}

/// Under table_lock: nothing refers to the process any more.
void bury(Process& process) {
  while (PidWatcher* watcher = process.pid_watchers.pop_front()) watcher->process = nullptr;
  process.SiblingNode::unlink();
  process.ProcessNode::unlink();
  delete &process;
}

/// Whether a process does not want to hear of the end of its child.
bool ignores_child(const Process& process, const Process& child) {
  if (&process != &the_init && child.exit_signal != SIGCHLD) return false;
  const SignalAction& action = process.actions[SIGCHLD - 1];
  return action.handler == sig_ignore || (action.flags & SA_NOCLDWAIT) != 0 || &process == &the_init;
}

/// Its parent has ended.
void tell_of_death(Process& child) {
  if (child.death_signal == 0 || child.state != ProcessState::alive) return;
  SignalInfo info{};
  info.signo = child.death_signal;
  (void)send_signal_locked(child, info);
}

/// Under table_lock: orphans go to init; those that are dead already are buried there.
void give_children_away(Process& process) {
  while (Process* child = process.children.pop_front()) {
    child->parent = &the_init;
    tell_of_death(*child);
    the_init.children.push_back(*child);
    if (child->state == ProcessState::zombie) bury(*child);
  }
}

void notify_parent(Process& process) {
  SignalInfo info{};
  info.signo = process.exit_signal;
  const int status = process.exit_status;
  info.code = (status & 0x7f) == 0 ? 1 : 2;  // CLD_EXITED, CLD_KILLED
  info.child.pid = process.pid;
  info.child.uid = process.credentials.user.real;
  info.child.status = (status & 0x7f) == 0 ? status >> 8 : status & 0x7f;
  if (process.parent != &the_init && info.signo != 0) (void)send_signal_locked(*process.parent, info);
  for (PidWatcher& watcher : process.pid_watchers) watcher.changed.wake_all();
  process.parent->child_ended.wake_all();
}

/// The last thread of a process takes it down.
void end_process(Process& process) {
  {
    fs::FdTable* files = nullptr;
    {
      Guard guard(process.files_lock);
      files = process.files;
      process.files = nullptr;
    }
    delete files;
  }
  process.image = fs::FileRef();  // may wait for the host: not under the lock
  remove_segments_of(process);
  process.space.clear(false);
  sweep_segments();
  return_loan(process);
  App* app = process.app;
  const DeferredWakes wakes;
  {
    Guard guard(table_lock);
    give_children_away(process);
    forget_all_timers(process);
    process.cpu = process_cpu_time(process);
    process.state = ProcessState::zombie;
    const int status = process.exit_status;
    const bool is_rank = process.is_rank;
    const uint32_t rank = process.rank;
    notify_parent(process);
    if (app != nullptr) app_process_ended_locked(*app, is_rank, rank, status);
    port::current().process = nullptr;  // for an interrupt that comes late: whoever reaps it frees it
    if (ignores_child(*process.parent, process)) bury(process);
  }
}

}  // namespace

Mutex& process_lock() { return table_lock; }
List<Process, ProcessNode>& all_processes() { return processes; }
Process& init_process() { return the_init; }

Process* find_process(int pid) {
  if (pid == 1) return &the_init;
  for (Process& process : processes)
    if (process.pid == pid) return &process;
  return nullptr;
}

Thread* find_thread(int tid) {
  for (Process& process : processes)
    for (Thread& thread : process.threads)
      if (thread.tid == tid) return &thread;
  return nullptr;
}

Thread* create_thread(Process& process) {
  collect_departed();
  Thread* thread = nullptr;
  {
    Guard guard(table_lock);
    thread = take_resting(process);
  }
  if (thread == nullptr) thread = new_thread();
  if (thread == nullptr) return nullptr;
  thread->process = &process;
  Guard guard(table_lock);
  thread->killed = process.exiting || process.in_exec;
  thread->tid = process.thread_count == 0 ? process.pid : new_pid();
  process.threads.push_back(*thread);
  ++process.thread_count;
  count_busy_thread(*thread);
  return thread;
}

Thread* create_kernel_thread(void (*start)(Thread&)) {
  Thread* thread = create_thread(the_init);
  if (thread == nullptr) return nullptr;
  thread->start = start;
  for (uint64_t& mask : thread->affinity) mask = ~0ull;
  return thread;
}

Process* create_process(Process& parent, App* app) {
  Owned<Process> process(new (nothrow) Process);
  if (!process) return nullptr;
  process->started_ns = monotonic_ns();
  {
    Guard guard(table_lock);
    if (app != nullptr && app->killed) return nullptr;
    process->pid = new_pid();
    process->app = app;
    process->parent = &parent;
    process->rank = parent.rank;
    process->group = parent.group;
    process->session = parent.session;
    parent.children.push_back(*process);
    processes.push_back(*process);
    if (app != nullptr) ++app->processes;
  }
  if (create_thread(*process) == nullptr) {
    discard_process(process.release());
    return nullptr;
  }
  return process.release();
}

void discard_thread(Thread* thread) {
  {
    Guard guard(table_lock);
    thread->ThreadNode::unlink();
    --thread->process->thread_count;
    count_idle_thread(*thread);
  }
  free_thread(thread);  // it was new: one that has rested starts for certain
}

void discard_process(Process* process) {
  while (Thread* thread = process->threads.front()) discard_thread(thread);
  delete process->files;
  Guard guard(table_lock);
  if (process->app != nullptr) --process->app->processes;
  bury(*process);
}

void collect_departed() {
  Guard guard(table_lock);
  for (Thread& thread : departed) {
    // acquire: the port cleared it after its last use of the stack.
    if (__atomic_load_n(&thread.port_tid, __ATOMIC_ACQUIRE) != 0) continue;
    thread.ThreadNode::unlink();
    free_thread(&thread);
  }
}

void port_process_gone(uint32_t port_process) {
  Guard guard(table_lock);
  for (Thread& thread : departed)
    if (thread.port_process == port_process) __atomic_store_n(&thread.port_tid, 0, __ATOMIC_RELEASE);
}

void exit_thread(int exit_status) {
  Thread& self = port::current();
  Process& process = *self.process;
  collect_departed();  // or their memory would wait for the next thread that is made
  release_robust_futexes(self);
  leave_pi_futexes(self);
  if (self.clear_on_exit != 0) {
    const uint32_t zero = 0;
    // A bad address is the program's own business.
    if (write_user(self.clear_on_exit, zero)) wake_futex(self.clear_on_exit, 1);
  }
  bool last = false, rests = false;
  {
    const DeferredWakes wakes;
    Guard guard(table_lock);
    last = process.thread_count == 1;
    if (last && !process.exiting) {
      process.exiting = true;
      process.exit_status = exit_status;
    }
    if (!last) {
      --process.thread_count;
      self.ThreadNode::unlink();
      port::keep_cpu_time();
      account_thread_locked(self);
      count_idle_thread(self);
      rests = keep_resting(self);
      if (!rests) departed.push_back(self);
      process.thread_left.wake_all();
      self.process = nullptr;  // for an interrupt that comes late: the others may take it down
    }
  }
  if (last) {
    if (process.smartmap_rank != nullptr) process.app->smartmap->leave(process);  // others may ask it until then
    {
      Guard guard(table_lock);
      account_thread_locked(self);
    }
    // The stack in use outlives the process object: it departs first.
    {
      Guard guard(table_lock);
      self.ThreadNode::unlink();
      departed.push_back(self);
      dismiss_resting(process);
      count_idle_thread(self);
    }
    end_process(process);
  }
  if (rests) port::rest_thread();
  port::exit_thread(last);
}

void exit_process(int exit_status) {
  Thread& self = port::current();
  {
    const DeferredWakes wakes;
    Guard guard(table_lock);
    Process& process = *self.process;
    if (!process.exiting) {
      process.exiting = true;
      process.exit_status = exit_status;
    }
    for (Thread& thread : process.threads) {
      if (&thread == &self) continue;
      thread.killed = true;
      alert(thread);
    }
  }
  exit_thread(exit_status);
}

bool leave_other_threads(Thread& self) {
  Process& process = *self.process;
  {
    Guard guard(table_lock);
    if (process.exiting || process.in_exec) return false;
    process.in_exec = true;
    for (Thread& thread : process.threads) {
      if (&thread == &self) continue;
      thread.killed = true;
      alert(thread);
    }
  }
  Waiter waiter(process.thread_left);
  const auto alone = [&] { return __atomic_load_n(&process.thread_count, __ATOMIC_ACQUIRE) == 1; };
  const Wake wake = sleep_until(alone, never);
  Guard guard(table_lock);
  process.in_exec = false;
  return wake == Wake::condition;
}

Sysret wait_for_child(Process& parent, const WaitRequest& request, Waited& waited) {
  int result = 0;
  const auto matches = [&](const Process& child) {
    const bool is_clone = child.exit_signal != SIGCHLD;
    if ((request.options & wait_all) == 0 && is_clone != ((request.options & wait_clone) != 0)) return false;
    if (request.pid == -1) return true;
    if (request.pid == 0) return child.group == parent.group;
    return request.pid < -1 ? child.group == -request.pid : child.pid == request.pid;
  };
  const auto look = [&] {
    Guard guard(table_lock);
    bool any = false;
    for (Process& child : parent.children) {
      if (!matches(child)) continue;
      any = true;
      if (child.state != ProcessState::zombie) continue;
      CpuTime all = child.cpu;
      all += child.children_cpu;
      waited = {child.pid, child.exit_status, child.credentials.user.real, all};
      result = 1;
      if ((request.options & wait_nowait) != 0) return true;
      parent.children_cpu += all;
      bury(child);
      return true;
    }
    if (!any) result = -ECHILD;
    return !any;
  };
  if ((request.options & wait_nohang) != 0) {
    (void)look();
    return result;
  }
  Waiter waiter(parent.child_ended);
  const Wake wake = sleep_until(look, never);
  return wake == Wake::signal ? restart_call : result;
}

void return_loan(Process& process) {
  Thread* lender = process.lender;
  if (lender == nullptr) return;
  process.lender = nullptr;
  const DeferredWakes wakes;
  Guard guard(table_lock);  // the lender cannot be gone before it is woken
  // release: nothing of the memory is used afterwards; partner: the acquire in clone.cpp.
  __atomic_store_n(&lender->has_lent, 0, __ATOMIC_RELEASE);
  wake_thread(*lender);
}

}  // namespace hobbes::lwk
