// SPDX-License-Identifier: Apache-2.0
// Process: an address space, open files, signal handlers, and threads.
#pragma once

#include "cokernel/kernel/address_space.hpp"
#include "cokernel/kernel/call_counts.hpp"
#include "cokernel/kernel/cpu_time.hpp"
#include "cokernel/kernel/credentials.hpp"
#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/pid_watcher.hpp"
#include "cokernel/kernel/registers.hpp"
#include "cokernel/kernel/resource_limits.hpp"
#include "cokernel/kernel/scheduling.hpp"
#include "cokernel/kernel/signal.hpp"
#include "cokernel/kernel/timers.hpp"
#include "cokernel/kernel/user_memory.hpp"
#include "cokernel/kernel/wait_queue.hpp"

namespace hobbes::lwk {

struct App;
struct Thread;
struct SmartmapRank;
namespace fs { class FdTable; }

struct SiblingNode : ListNode {};
struct ProcessNode : ListNode {};
struct ThreadNode : ListNode {};

/// The hosted port's pages of code that rewritten system-call sites jump to.
struct StubPages : Immovable {
  ~StubPages() { release(functions); }
  void forget() {
    count = 0;
    collected = false;
    release(functions);
    functions = nullptr;
    function_count = 0;
    trapped_site_count = 0;
  }
  /// Notes a site that is to stay on the trap, under the lock. False: it was known, or there is no room to know it.
  bool note_trapped(UserAddr site) {
    if (trapped_site_count == trapped_limit || is_trapped(site)) return false;
    trapped_sites[trapped_site_count] = site;
    __atomic_store_n(&trapped_site_count, trapped_site_count + 1, __ATOMIC_RELEASE);  // partner: is_trapped
    return true;
  }
  /// Without the lock, too.
  [[nodiscard]] bool is_trapped(UserAddr site) const {
    const uint32_t known = __atomic_load_n(&trapped_site_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < known; ++i)
      if (trapped_sites[i] == site) return true;
    return false;
  }
  static constexpr uint32_t trapped_limit = 128;
  static constexpr uint32_t limit = 16;
  struct Page {
    UserAddr address;
    uint32_t used;  // bytes
  };
  Mutex lock;
  uint32_t count = 0;
  Page pages[limit];
  bool collected = false;         ///< the executable's function starts, sorted, as far as it names them
  UserAddr* functions = nullptr;  ///< from the kernel heap
  uint64_t function_count = 0;
  uint32_t trapped_site_count = 0;
  UserAddr trapped_sites[trapped_limit];
};

/// The hosted port's part of a thread.
struct PortThread {
  uint64_t cpus[16] = {};       ///< Linux's CPUs that it was last kept on
  int64_t cpu_ns_before = 0;    ///< CPU time of those who had its Linux thread before
  uint32_t float_control = 0;   ///< its creator's MXCSR
  uint16_t x87_control = 0;     ///< its creator's x87 control word
  bool takes_up_changes = false, was_interrupted = false;  ///< atomic (trap.cpp)
};

enum class ProcessState { alive, zombie };

struct Process : SiblingNode, ProcessNode, Immovable {
  // Constant after creation.
  int pid = 0;
  App* app = nullptr;    ///< null: the kernel's own process (pid 1)
  bool is_rank = false;  ///< it was launched; else it is a descendant of one that was
  uint32_t rank = 0;     ///< the number of that one
  int64_t started_ns = 0;  ///< monotonic time

  // The process' own.
  AddressSpace space;

  // Under files_lock.
  Mutex files_lock;
  fs::FdTable* files = nullptr;
  char cwd[path_limit] = "/";  ///< absolute, normalised, as the enclave sees it
  uint32_t umask = 022;

  // Replaced by execve, under the process table's lock.
  fs::FileRef image;  ///< the file it was loaded from
  char executable[path_limit] = {};
  char command[16] = {};  ///< comm
  UserAddr arguments_start = 0, arguments_end = 0, environment_start = 0, environment_end = 0;
  UserAddr auxiliary_start = 0, auxiliary_end = 0;  ///< the auxiliary vector

  // Under the process table's lock (process_table.hpp).
  Process* parent = nullptr;
  List<Process, SiblingNode> children;
  List<Thread, ThreadNode> threads;
  uint32_t thread_count = 0;
  List<Thread, ThreadNode> resting;  ///< threads that have left, for those to come (process_table.cpp)
  uint32_t resting_count = 0;
  ProcessState state = ProcessState::alive;
  int group = 0, session = 0;
  int exit_status = 0;  ///< wait4's encoding
  bool exiting = false;
  bool in_exec = false;  ///< other threads are leaving
  bool expects_barriers = false;  ///< atomic: registered for membarrier(2)
  SignalAction actions[signal_count] = {};
  SignalSet pending = 0;
  SignalInfo pending_info[signal_count];
  SignalBacklog backlog;
  WaitQueue child_ended;
  WaitQueue thread_left;
  int exit_signal = SIGCHLD;  ///< what its parent gets; 0: nothing
  Credentials credentials;
  ResourceLimits limits;
  uint64_t personality = 0;
  int death_signal = 0;  ///< what its parent's end is told by (PR_SET_PDEATHSIG)
  ProcessTimers timers;
  CpuTime cpu;           ///< a zombie's
  ProcessCalls calls_of_left;  ///< of threads that have left
  CpuTime children_cpu;  ///< of those waited for, and theirs
  List<PidWatcher> pid_watchers;
  Thread* lender = nullptr;  ///< of a vfork child: the thread whose memory it uses, and which waits

  SmartmapRank* smartmap_rank = nullptr;  ///< atomic: what it is among ranks that see each other (smartmap.hpp)

  // The port's.
  StubPages stubs;
  uint64_t port_seen = 0;  ///< hosted: how many unplugged blocks it has dropped
};

struct Thread : ThreadNode, Immovable {
  // The port's part comes first: entry code finds it through the CPU (arch/hosted/entry.S knows these offsets).
  Thread* self = this;           // +16 (behind ThreadNode)
  uint64_t kernel_stack_top = 0; // +24 where a system call's Registers end
  uint64_t user_rsp = 0;         // +32 scratch of the entry code
  uint32_t attention = 0;        // +40 not 0: look at signals before going to user mode
  uint32_t wake_word = 0;        // +44 see wait_queue.hpp
  uint64_t quick_calls = 0;      // +48 of getpid, by its short way
  uint64_t process_id = 0;       // +56 getpid's answer, constant once the thread runs
  uint64_t linux_calls = 0;      // +64 hosted: what the port itself has asked of Linux for this thread

  int tid = 0;
  uint32_t asleep = 0;               ///< atomic: in the port, or about to be (wait_queue.cpp)
  Process* process = nullptr;        ///< null: it has left
  void (*start)(Thread&) = nullptr;  ///< first code of the thread, on its kernel stack
  void* start_argument = nullptr;
  Registers* registers = nullptr;    ///< its user state, on its kernel stack
  void* kernel_stack = nullptr;
  uint32_t port_tid = 1;      ///< 0: the port is done with its stack (hosted: Linux's thread id, which Linux clears)
  uint32_t port_process = 0;  ///< hosted: Linux's process id; 0: not started yet
  bool has_rested = false;    ///< the machine runs it already: it waits for its start
  uint32_t started = 0;       ///< atomic, a futex word: of one that rests
  PortThread port;
  UserAddr tls = 0;                  ///< initial TLS base

  // Under the process table's lock.
  SignalSet pending = 0;
  SignalInfo pending_info[signal_count];
  SignalBacklog backlog;
  bool killed = false;   ///< must leave: its process ends or execs
  bool leaving = false;  ///< it owns no futex any more
  Scheduling scheduling;

  // The running thread's own.
  DeferredWakes* deferred_wakes = nullptr;
  SignalSet mask = 0;
  SignalSet saved_mask = 0;  ///< of rt_sigsuspend and friends
  bool restore_mask = false;
  AlternateStack alternate_stack{0, ss_disable, 0, 0};
  UserAddr clear_on_exit = 0;  ///< set_tid_address
  UserAddr robust_list = 0;
  uint32_t has_lent = 0;  ///< atomic: a vfork child uses its memory
  uint64_t affinity[4] = {};
  CallTotals totals;
  CallCounts counts;
};

}  // namespace hobbes::lwk
