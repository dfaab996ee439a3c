// SPDX-License-Identifier: Apache-2.0
// The table of processes: ids, the tree, births and deaths. One lock for all of it.
#pragma once

#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk {

/// Guards the process tree, signals' pending state, and Apps.
[[nodiscard]] Mutex& process_lock();

/// Under process_lock: a live or zombie process, or null.
[[nodiscard]] Process* find_process(int pid);
[[nodiscard]] Thread* find_thread(int tid);
/// Under process_lock: all of them.
[[nodiscard]] List<Process, ProcessNode>& all_processes();

/// The kernel's own process: pid 1, adopts orphans, runs the control task.
[[nodiscard]] Process& init_process();

/// A new process with one thread, not yet started; child of `parent`. Null: out of memory.
[[nodiscard]] Process* create_process(Process& parent, App* app);
/// A new thread of `process`, not yet started. Null: out of memory.
[[nodiscard]] Thread* create_thread(Process& process);
/// One of the kernel's own, which may run on any CPU.
[[nodiscard]] Thread* create_kernel_thread(void (*start)(Thread&));
/// Undoes create_* for what never started.
void discard_process(Process* process);
void discard_thread(Thread* thread);

/// Leaves the running thread. If it is the last of its process, the process ends with `exit_status` unless one was set
/// by exit_process before.
[[noreturn]] void exit_thread(int exit_status);
/// Ends the running process: all its threads leave. `exit_status` is wait4's encoding.
[[noreturn]] void exit_process(int exit_status);
/// Makes all other threads of the running process leave, and waits for them. False: somebody else does it already.
[[nodiscard]] bool leave_other_threads(Thread& self);
/// Frees threads the port is done with.
void collect_departed();
/// The port: a process has left its machine, all its threads' stacks are out of use.
void port_process_gone(uint32_t port_process);

/// wait4's encoding of an exit status.
constexpr int exited(int code) { return (code & 0xff) << 8; }
constexpr int killed_by(int signal) { return signal; }

/// The options of wait4 and waitid.
enum WaitOptions : uint32_t {
  wait_nohang = 1, wait_untraced = 2, wait_exited = 4, wait_continued = 8, wait_nowait = 0x1000000,
  wait_nothread = 0x20000000, wait_all = 0x40000000, wait_clone = 0x80000000,
};
struct WaitRequest {
  int pid = -1;  ///< as wait4's: -1 any, 0 of the own group, < -1 of that group
  uint32_t options = 0;
};
struct Waited {
  int pid = 0, status = 0;
  uint32_t uid = 0;
  CpuTime cpu;
};
/// 1 and who it was; 0: none has ended (wait_nohang); -ECHILD, or a signal came.
[[nodiscard]] Sysret wait_for_child(Process& parent, const WaitRequest& request, Waited& waited);

/// A vfork child no longer uses the memory of the thread that waits for it.
void return_loan(Process& process);

/// limit_calls.cpp: a new process is kept to its parent's limits.
void inherit_limits(Process& child, const Process& parent);

}  // namespace hobbes::lwk
