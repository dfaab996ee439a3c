// SPDX-License-Identifier: Apache-2.0
// A thread is a Linux thread, a process a Linux process, both children of the enclave's init: they share one descriptor
// table (the blocks' memfds), and die with init.
#include "cokernel/arch/hosted/entry.hpp"
#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/arch/hosted/threads.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint64_t arch_set_gs = 0x1001, arch_set_fs = 0x1002, arch_get_fs = 0x1003;
constexpr uint64_t prctl_parent_death_signal = 1;
constexpr uint64_t clock_monotonic = 1;

bool fsgsbase = false;  ///< Linux lets user code use wrfsbase (AT_HWCAP2)

void keep_on(PortThread& thread, uint32_t tid, const uint64_t mask[4]) {
  uint64_t machine[16] = {};
  for (uint32_t logical = 0; logical < max_cpus; ++logical) {
    if ((mask[logical / 64] >> logical % 64 & 1) == 0) continue;
    const int cpu = machine_cpu(logical);
    if (cpu >= 0 && cpu < 1024) machine[cpu / 64] |= 1ull << cpu % 64;
  }
  if (memcmp(machine, thread.cpus, sizeof(machine)) == 0) return;
  memcpy(thread.cpus, machine, sizeof(machine));
  // A CPU that Linux does not let us have (cpuset) leaves the thread where it is.
  linux::call(linux::nr_sched_setaffinity, tid, sizeof(machine), linux::address(machine));
}


/// Of a Linux process, or of a thread of this one (clock_getcpuclockid(3)); 0: the running one.
int64_t cpu_time_of(uint32_t id, bool of_thread) {
  const uint32_t clock = (~id << 3) | (of_thread ? 6 : 2);
  TimeSpec time{};
  linux::call(linux::nr_clock_gettime, static_cast<uint64_t>(static_cast<int32_t>(clock)), linux::address(&time));
  return time.seconds * ns_per_second + time.nanoseconds;
}

}  // namespace

namespace hosted {

void start_threads(bool have_fsgsbase) { fsgsbase = have_fsgsbase; }

void set_current(Thread& thread) {
  if (fsgsbase) asm volatile("wrgsbase %0" : : "r"(&thread));
  else linux::invoke(linux::nr_arch_prctl, arch_set_gs, linux::address(&thread));
}

void become(Thread& thread) {
  set_current(thread);
  // Linux's signal frames go below the Registers at the stack's top, wherever the thread is when a signal comes.
  const struct {
    uint64_t base;
    uint64_t flags;
    uint64_t size;
  } stack{linux::address(thread.kernel_stack), 0,
          thread.kernel_stack_top - linux::address(thread.kernel_stack) - register_area};
  linux::call(linux::nr_sigaltstack, linux::address(&stack), 0);
}

int reap_processes() {
  while (true) {
    int status = 0;
    const int64_t pid = linux::call(linux::nr_wait4, static_cast<uint64_t>(-1), linux::address(&status), 0x40000000);
    if (pid == -ECHILD) return 0;
    if (pid < 0) continue;
    if (status != 0) panic("Linux process %d of the enclave was ended from outside (status %x)", pid, static_cast<uint64_t>(status));
    port_process_gone(static_cast<uint32_t>(pid));
  }
}

}  // namespace hosted

namespace port {

Thread& current() {
  Thread* thread;
  asm("mov %%gs:16, %0" : "=r"(thread));
  return *thread;
}

void wait(uint32_t* word, uint32_t expected, int64_t deadline_ns) {
  TimeSpec time;
  if (deadline_ns != never) {
    const int64_t left = deadline_ns - monotonic_ns();
    if (left <= 0) return;
    time = to_time(left);
  }
  linux::call(linux::nr_futex, linux::address(word), linux::futex_wait, expected,
              deadline_ns == never ? 0 : linux::address(&time));
}

void wait_for_host(uint32_t* word, uint32_t expected, int64_t deadline_ns) { wait(word, expected, deadline_ns); }
void wake_host(uint32_t* word, int count) { wake(word, count); }

void wait_for_host_or(Expected one, Expected other, int64_t deadline_ns) {
  constexpr int64_t step_ns = 1'000'000;
  struct {  // struct futex_waitv
    uint64_t value, word;
    uint32_t flags, reserved;
  } const words[] = {{one.value, linux::address(one.word), linux::futex_shared_word, 0},
                     {other.value, linux::address(other.word), linux::futex_shared_word, 0}};
  const TimeSpec until = to_time(deadline_ns);
  const int64_t result = linux::call(linux::nr_futex_waitv, linux::address(words), 2, 0,
                                     deadline_ns == never ? 0 : linux::address(&until), clock_monotonic);
  // A Linux before 5.16: sleeps on one word, and the caller looks at the other in short steps.
  if (result == -ENOSYS) wait(one.word, one.value, monotonic_ns() + step_ns);
}

void wake(uint32_t* word, int count) {
  linux::call(linux::nr_futex, linux::address(word), linux::futex_wake, static_cast<uint64_t>(count));
}

void relax() { asm volatile("pause"); }
void yield() { linux::call(linux::nr_sched_yield); }
uint64_t ticks() { return __builtin_ia32_rdtsc(); }

uint32_t machine_cpu() {
  uint32_t cpu = 0;
  linux::call(linux::nr_getcpu, linux::address(&cpu));
  return cpu;
}

int start_process(Process& process, Thread& thread) {
  const bool from_init = port::current().process->pid == 1;
  const uint64_t flags = linux::clone_files | linux::clone_fs | linux::clone_parent_settid | linux::clone_child_cleartid |
                         static_cast<uint64_t>(SIGCHLD) | (from_init ? 0 : static_cast<uint64_t>(linux::clone_parent));
  process.port_seen = port::current().process->port_seen;
  const int64_t pid =
      hosted_clone(flags, linux::address(thread.registers), &thread.port_tid, &thread.port_tid, &thread);
  if (pid < 0) return static_cast<int>(pid);
  if (from_init) hosted::note_child();
  return 0;
}

/// One that has rested is there. What a new thread of Linux's inherits it gets here: its creator's ways of rounding.
int start_rested(Thread& thread) {
  __atomic_store_n(&thread.port.cpu_ns_before, cpu_time_of(thread.port_tid, true), __ATOMIC_RELAXED);
  asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(thread.port.float_control), "=m"(thread.port.x87_control));
  __atomic_store_n(&thread.started, 1, __ATOMIC_RELEASE);  // partner: rest_thread()
  linux::call(linux::nr_futex, linux::address(&thread.started), linux::futex_wake_private, 1);
  return 0;
}

int start_thread(Thread& thread) {
  if (thread.has_rested) return start_rested(thread);
  const uint64_t flags = linux::clone_vm | linux::clone_fs | linux::clone_files | linux::clone_sighand |
                         linux::clone_thread | linux::clone_sysvsem | linux::clone_parent_settid |
                         linux::clone_child_cleartid;
  const int64_t tid =
      hosted_clone(flags, linux::address(thread.registers), &thread.port_tid, &thread.port_tid, &thread);
  return tid < 0 ? static_cast<int>(tid) : 0;
}

void exit_thread(bool last) {
  linux::call(last ? linux::nr_exit_group : linux::nr_exit, 0);
  __builtin_unreachable();
}

bool keeps_threads() { return true; }

void rest_thread() {
  Thread& self = current();
  while (__atomic_load_n(&self.started, __ATOMIC_ACQUIRE) == 0)
    linux::call(linux::nr_futex, linux::address(&self.started), linux::futex_wait_private, 0, 0);
  hosted_restart(&self, self.registers);
}

uint64_t call_entry() { return reinterpret_cast<uint64_t>(hosted_syscall_entry); }

void enter_user(Thread& thread) { hosted_go_to_user(thread.registers); }

void interrupt(Thread& thread) {
  const uint32_t process = __atomic_load_n(&thread.port_process, __ATOMIC_ACQUIRE);
  const uint32_t tid = __atomic_load_n(&thread.port_tid, __ATOMIC_ACQUIRE);
  // Not started yet: it looks at `attention` by itself.
  if (process != 0 && tid != 0) linux::call(linux::nr_tgkill, process, tid, linux::signal_interrupt);
}

void set_user_tls(UserAddr base) {
  if (fsgsbase) asm volatile("wrfsbase %0" : : "r"(base));
  else linux::call(linux::nr_arch_prctl, arch_set_fs, base);
}

UserAddr user_tls() {
  uint64_t base = 0;
  if (fsgsbase) asm volatile("rdfsbase %0" : "=r"(base));
  else linux::call(linux::nr_arch_prctl, arch_get_fs, linux::address(&base));
  return base;
}

// It points at the Thread, whatever runs.
bool set_user_gs(UserAddr) { return false; }
bool user_gs(UserAddr&) { return false; }

int64_t thread_cpu_ns(const Thread& thread) {
  return cpu_time_of(__atomic_load_n(&thread.port_tid, __ATOMIC_ACQUIRE), true) -
         __atomic_load_n(&thread.port.cpu_ns_before, __ATOMIC_RELAXED);
}

int64_t process_cpu_ns(const Process& process) {
  if (process.threads.empty()) return cpu_time_of(0, false);  // its last one, which asks, is out of the list already
  return cpu_time_of(__atomic_load_n(&process.threads.front()->port_process, __ATOMIC_ACQUIRE), false);
}

void keep_cpu_time() {}  // Linux does

void memory_barrier(bool everybody) {
  constexpr uint64_t global = 1, private_expedited = 8, register_private_expedited = 16;
  const uint64_t command = everybody ? global : private_expedited;
  if (linux::call(linux::nr_membarrier, command) == 0 || everybody) return;
  linux::call(linux::nr_membarrier, register_private_expedited);
  linux::call(linux::nr_membarrier, command);
}

// Linux's CPUs are there already, and stop being used when no thread is pinned to them.
int attach_cpu(uint32_t, const hobbes_boot_cpu&) { return 0; }
int detach_cpu(uint32_t) { return 0; }

// Linux keeps its devices.
void* map_device(uint32_t, PhysAddr, uint64_t) { return nullptr; }
void unmap_device(uint32_t) {}
uint32_t& device_interrupts(uint32_t) {
  static uint32_t none = 0;
  return none;
}
DeviceMessage device_message(uint32_t) { return {}; }

void set_affinity(Thread& thread, const uint64_t mask[4]) {
  const uint32_t tid = __atomic_load_n(&thread.port_tid, __ATOMIC_ACQUIRE);
  if (__atomic_load_n(&thread.port_process, __ATOMIC_ACQUIRE) != 0 && tid != 0) keep_on(thread.port, tid, mask);
}

Usage usage() {
  struct {  // struct rusage
    TimeSpec user, system;
    uint64_t before_faults[4], minor_faults, major_faults, between[5], signals, voluntary, involuntary;
  } now{};
  constexpr uint64_t whole_process = 0;
  linux::invoke(linux::nr_getrusage, whole_process, linux::address(&now));
  return {now.minor_faults, now.major_faults, now.voluntary, now.involuntary};
}

void halt() {
  linux::call(linux::nr_kill, hosted::init_pid(), SIGKILL);
  while (true) linux::call(linux::nr_exit_group, 1);
}

}  // namespace port
}  // namespace hobbes::lwk

namespace {

using namespace hobbes::lwk;

[[noreturn]] void begin(Thread& thread) {
  thread.process_id = static_cast<uint64_t>(thread.process->pid);
  if (thread.process->pid != 1) {
    Guard guard(process_lock());
    place_thread(thread);
  }
  thread.start(thread);
  __builtin_trap();
}

}  // namespace

/// The first C++ code of every thread but the boot one, on its own kernel stack.
void hosted_thread_main(Thread* thread) {
  hosted::become(*thread);
  const auto process = static_cast<uint32_t>(linux::call(linux::nr_getpid));
  __atomic_store_n(&thread->port_process, process, __ATOMIC_RELEASE);  // partner: interrupt()
  if (thread->tid == thread->process->pid && thread->process->pid != 1)
    linux::call(linux::nr_prctl, prctl_parent_death_signal, SIGKILL);
  begin(*thread);
}

/// The same for one that has rested, whose Linux thread has all that already.
void hosted_thread_again(Thread* thread) {
  port::reset_fpu();
  asm volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(thread->port.float_control), "m"(thread->port.x87_control));
  begin(*thread);
}
