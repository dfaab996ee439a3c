// SPDX-License-Identifier: Apache-2.0
// The port's threads and processes, on the scheduler.
#include "cokernel/arch/common/fpu.hpp"
#include "cokernel/arch/x86_64/entry.hpp"
#include "cokernel/arch/x86_64/kernel_space.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/arch/x86_64/scheduler.hpp"
#include "cokernel/arch/x86_64/space.hpp"
#include "cokernel/kernel/idle.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {
namespace {

using namespace x86;

constexpr uint64_t state_limit = 16 << 10;  ///< of a kernel stack's 64 KiB

/// Of the running thread; null: it is the kernel's, or there is none.
Space* running_space() {
  const InterruptsOff off;
  const Thread* const thread = this_cpu().thread;
  return thread != nullptr && has_started(*thread) ? state_of(*thread).space : nullptr;
}

/// A thread begins with the floating-point state and the segment bases of whoever makes it, if that has them.
void inherit_user_state(ThreadState& state) {
  if (align_up(sizeof(ThreadState), 64) + arch::fpu_area_size() > state_limit)
    panic("the CPU's floating-point state is too large: %u bytes", static_cast<uint64_t>(arch::fpu_area_size()));
  memset(state.fpu(), 0, arch::fpu_area_size());
  const uint64_t components = arch::fpu_features();
  if (running_space() == nullptr) {
    constexpr size_t legacy_and_header = 576;
    memcpy(state.fpu(), arch::initial_fpu_state(), legacy_and_header);
    return;
  }
  state.fs_base = port::user_tls();
  state.gs_base = read_msr(msr_kernel_gs_base);
  asm volatile("xsave64 (%0)"
               :
               : "r"(state.fpu()), "a"(static_cast<uint32_t>(components)), "d"(static_cast<uint32_t>(components >> 32))
               : "memory");
}

/// What x86_switch() finds when it goes there for the first time.
struct FirstFrame {
  uint64_t r15, r14, r13, r12, rbx, rbp, return_address;
};

void start(Thread& thread, Space* space) {
  ThreadState& state = *new (thread.kernel_stack) ThreadState(thread);
  const bool is_kernels = thread.process == &init_process();
  state.urgent = is_kernels && thread.start != run_idle_task;
  state.space = space;
  if (is_kernels) state.allowed[0] = 1;
  else allowed_cpus(thread, state.allowed);
  state.cpu = &this_cpu();
  inherit_user_state(state);
  constexpr uint64_t gap = 64;
  auto* frame = reinterpret_cast<FirstFrame*>(reinterpret_cast<uint64_t>(thread.registers) - gap) - 1;
  *frame = {};
  frame->return_address = reinterpret_cast<uint64_t>(x86_thread_start);
  state.rsp = reinterpret_cast<uint64_t>(frame);
  __atomic_store_n(&thread.port_tid, started, __ATOMIC_RELEASE);  // partner: has_started()
  make_runnable(state);
}

int64_t to_cpu_ns(uint64_t ticks) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<int64_t>(static_cast<Wide>(ticks) * boot_params().clock.mult >> 32);
}

uint64_t ticks_of(const Thread& thread) {
  if (!has_started(thread)) return 0;
  const ThreadState& state = state_of(thread);
  uint64_t ticks = __atomic_load_n(&state.ticks, __ATOMIC_RELAXED);
  const Cpu& cpu = *__atomic_load_n(&state.cpu, __ATOMIC_ACQUIRE);
  const uint64_t since = __atomic_load_n(&cpu.run_since, __ATOMIC_RELAXED), now = port::ticks();
  if (__atomic_load_n(&cpu.thread, __ATOMIC_RELAXED) == &thread && now > since) ticks += now - since;
  return ticks;
}

/// The running thread's process loses it, and this CPU its page tables.
void leave_process() {
  ThreadState& state = running_thread_state();
  Space* const space = state.space;
  if (space == nullptr) return;
  port::keep_cpu_time();
  {
    const InterruptsOff off;
    Cpu& cpu = this_cpu();
    state.space = nullptr;
    (void)__atomic_exchange_n(&cpu.space, nullptr, __ATOMIC_SEQ_CST);
    write_cr3(kernel_tables().root());
  }
  leave_space(*space);
}

}  // namespace

namespace port {

Thread& current() {
  Thread* thread;
  asm volatile("mov %%gs:8, %0" : "=r"(thread));
  return *thread;
}

void relax() { asm volatile("pause"); }
uint64_t ticks() { return __builtin_ia32_rdtsc(); }

void yield() {
  const InterruptsOff off;
  const Cpu& cpu = this_cpu();
  if (!cpu.queue.empty() || cpu.reschedule != 0) yield_cpu();  // asked for, too, when the CPU is to be given back
}

uint32_t machine_cpu() {
  const InterruptsOff off;
  return this_cpu().machine_id;
}

int start_process(Process& process, Thread& thread) {
  Space* const space = create_space(process.lender != nullptr ? state_of(*process.lender).space : nullptr);
  if (space == nullptr) return -ENOMEM;
  start(thread, space);
  return 0;
}

int start_thread(Thread& thread) {
  Space* const space = thread.process == &init_process() ? nullptr : running_space();
  if (space != nullptr) __atomic_add_fetch(&space->threads, 1, __ATOMIC_RELAXED);  // the running thread holds one
  start(thread, space);
  return 0;
}

void exit_thread(bool) {
  leave_process();
  end_running_thread();
}

bool keeps_threads() { return false; }
void rest_thread() { panic("no thread is kept"); }

uint64_t call_entry() { return 0; }

void enter_user(Thread& thread) { x86_go_to_user(thread.registers); }

void interrupt(Thread& thread) {
  if (!has_started(thread)) return;  // it looks at `attention` by itself
  Cpu& cpu = *__atomic_load_n(&state_of(thread).cpu, __ATOMIC_ACQUIRE);
  // Where it runs, the interrupt leads through the way out to user mode. If it does not run, it comes that way later.
  if (__atomic_load_n(&cpu.thread, __ATOMIC_SEQ_CST) == &thread) poke(cpu);
}

void set_user_tls(UserAddr base) {
  running_thread_state().fs_base = base;
  if (features.fsgsbase) asm volatile("wrfsbase %0" : : "r"(base));
  else write_msr(msr_fs_base, base);
}

UserAddr user_tls() {
  if (!features.fsgsbase) return running_thread_state().fs_base;
  uint64_t base = 0;
  asm volatile("rdfsbase %0" : "=r"(base));
  return base;
}

// While the kernel runs, the program's is in the register that swapgs exchanges.
bool set_user_gs(UserAddr base) {
  running_thread_state().gs_base = base;
  write_msr(msr_kernel_gs_base, base);
  return true;
}
bool user_gs(UserAddr& base) {
  base = read_msr(msr_kernel_gs_base);
  return true;
}

int64_t thread_cpu_ns(const Thread& thread) { return to_cpu_ns(ticks_of(thread)); }

/// What it runs from here on, to its very end, is kept there.
void keep_cpu_time() {
  ThreadState& state = running_thread_state();
  if (state.space == nullptr) return;
  const uint64_t ticks = ticks_of(state.thread);
  __atomic_add_fetch(&state.space->ticks, ticks - state.kept_ticks, __ATOMIC_RELAXED);
  state.kept_ticks = ticks;
}

int64_t process_cpu_ns(const Process& process) {
  uint64_t ticks = 0;
  const Thread* first = process.threads.front();
  auto& threads = const_cast<List<Thread, ThreadNode>&>(process.threads);
  for (const Thread& thread : threads) ticks += ticks_of(thread);
  if (first == nullptr) {  // its last one, which asks, is out of the list already
    first = &current();
    ticks += ticks_of(*first);
  }
  const Space* const space = has_started(*first) ? state_of(*first).space : nullptr;
  if (space != nullptr) ticks += __atomic_load_n(&space->ticks, __ATOMIC_RELAXED);
  return to_cpu_ns(ticks);
}

void set_affinity(Thread& thread, const uint64_t mask[4]) {
  if (has_started(thread)) allow_cpus(state_of(thread), mask);
}

Usage usage() {
  const Space* const space = running_thread_state().space;
  if (space == nullptr) return {};
  return {0, 0, __atomic_load_n(&space->voluntary_switches, __ATOMIC_RELAXED),
          __atomic_load_n(&space->involuntary_switches, __ATOMIC_RELAXED)};
}

}  // namespace port
}  // namespace hobbes::lwk

/// The first C++ code of a thread, on its own kernel stack, with interrupts off.
void x86_thread_main() {
  using namespace hobbes::lwk;
  x86::finish_switch();
  asm volatile("sti" : : : "memory");
  Thread& self = port::current();
  self.process_id = static_cast<uint64_t>(self.process->pid);
  if (self.process != &init_process()) {
    Guard guard(process_lock());
    place_thread(self);
  }
  self.start(self);
  panic("a kernel thread has returned");
}
