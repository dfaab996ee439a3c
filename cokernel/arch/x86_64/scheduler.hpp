// SPDX-License-Identifier: Apache-2.0
// The scheduler: threads on CPUs. Kernel code is not preempted: a thread keeps its CPU until it sleeps, yields, or is
// about to go (back) to user mode. There is no tick: a timer interrupt ends a turn only while others wait for the
// same CPU.
//
// A thread that goes to sleep says so (`run` is asleep), lets itself be found, and leaves its CPU; whoever wakes it
// wins the right to by moving `run` on, waits until it has left its CPU (`on_cpu`), and puts it into a queue.
#pragma once

#include "cokernel/arch/x86_64/cpu.hpp"
#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::x86 {

enum class Run : uint32_t { running, queued, asleep, waking, ended };

/// What the port has of a thread that has started: at the lower end of its kernel stack.
struct ThreadState : Runnable {
  explicit ThreadState(Thread& the_thread) : thread(the_thread) {}

  Thread& thread;
  uint64_t rsp = 0;        ///< while it does not run
  Space* space = nullptr;  ///< null: the kernel's own thread
  Run run = Run::waking;   ///< atomic
  uint32_t on_cpu = 0;     ///< atomic: some CPU still uses its stack and registers
  bool moving = false;     ///< it may not stay on the CPU it leaves
  Cpu* cpu = &boot_cpu();  ///< where it runs, waits or was last; queued: under that CPU's lock

  SpinLock placement;  ///< guards `allowed`
  uint64_t allowed[4] = {};

  uint64_t ticks = 0;  ///< atomic: that it has run, up to its present turn
  uint64_t kept_ticks = 0;  ///< of those, what its process has kept already; its own
  uint64_t fs_base = 0, gs_base = 0;  ///< the user's, while it does not run

  /// Its floating-point state while it does not run.
  [[nodiscard]] void* fpu() { return reinterpret_cast<void*>(align_up(reinterpret_cast<uint64_t>(this + 1), 64)); }
};

/// Of a thread that has started.
[[nodiscard]] inline ThreadState& state_of(const Thread& thread) {
  return *static_cast<ThreadState*>(thread.kernel_stack);
}
[[nodiscard]] inline ThreadState& running_thread_state() { return state_of(port::current()); }
/// port_tid of threads that have started, and not ended.
inline constexpr uint32_t started = 2;
[[nodiscard]] inline bool has_started(const Thread& thread) {
  return __atomic_load_n(&thread.port_tid, __ATOMIC_ACQUIRE) == started;
}

/// Into a queue: a new thread, or one whose wake-up the caller has claimed. Any context; no lock of this port is held.
void make_runnable(ThreadState& state);
/// The right, and the duty, to make a sleeping thread runnable. False: somebody else has it.
[[nodiscard]] bool claim_wakeup(ThreadState& state);

// The running thread's own, with interrupts off. All return when it has a CPU again, maybe another one.
void leave_cpu_asleep();  ///< its `run` is asleep, or a wake-up has been claimed since
void yield_cpu();         ///< behind those that wait
[[noreturn]] void end_running_thread();

/// What every thread but the boot one does first on its stack.
void finish_switch();
/// A CPU that has nothing else to do.
[[noreturn]] void run_idle_loop();

/// Whether the thread may run on this CPU.
[[nodiscard]] bool may_run_on(ThreadState& state, const Cpu& cpu);
/// Replaces `allowed`, and moves the thread if it waits for or has the wrong CPU: at the latest when it goes to user
/// mode.
void allow_cpus(ThreadState& state, const uint64_t mask[4]);

/// The CPU's turn at the interrupts that the scheduler sends or sets. Interrupts are off.
void take_wake_interrupt();
void take_timer_interrupt();
/// Makes another CPU look at its queue, its deadlines and `reschedule`.
void poke(Cpu& cpu);
/// Sets the running CPU's timer for what is due first.
void set_next_timer(Cpu& cpu);

}  // namespace hobbes::lwk::x86
