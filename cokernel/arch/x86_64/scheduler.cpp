// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/x86_64/scheduler.hpp"

#include "cokernel/arch/common/fpu.hpp"
#include "cokernel/arch/x86_64/apic.hpp"
#include "cokernel/arch/x86_64/cpu_life.hpp"
#include "cokernel/arch/x86_64/deadlines.hpp"
#include "cokernel/arch/x86_64/entry.hpp"
#include "cokernel/arch/x86_64/kernel_space.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/arch/x86_64/space.hpp"

namespace hobbes::lwk::x86 {
namespace {

constexpr uint64_t usual_slices_per_second = 200;
/// Where the CPU pushes what interrupts user mode: below the Registers of a system call (entry.S moves it there).
constexpr uint64_t interrupt_frame_offset = 256;

ThreadState& thread_state(Runnable& item) { return static_cast<ThreadState&>(item); }

void save_user_state(ThreadState& state) {
  const uint64_t components = arch::fpu_features();
  const auto low = static_cast<uint32_t>(components), high = static_cast<uint32_t>(components >> 32);
  if (features.xsaveopt) asm volatile("xsaveopt64 (%0)" : : "r"(state.fpu()), "a"(low), "d"(high) : "memory");
  else asm volatile("xsave64 (%0)" : : "r"(state.fpu()), "a"(low), "d"(high) : "memory");
  if (!features.fsgsbase) return;  // then only the kernel sets them
  asm volatile("rdfsbase %0" : "=r"(state.fs_base));
  state.gs_base = read_msr(msr_kernel_gs_base);
}

void load_user_state(ThreadState& state) {
  const uint64_t components = arch::fpu_features();
  asm volatile("xrstor64 (%0)"
               :
               : "r"(state.fpu()), "a"(static_cast<uint32_t>(components)), "d"(static_cast<uint32_t>(components >> 32))
               : "memory");
  if (features.fsgsbase) asm volatile("wrfsbase %0" : : "r"(state.fs_base));
  else write_msr(msr_fs_base, state.fs_base);
  write_msr(msr_kernel_gs_base, state.gs_base);
}

void load_space(Cpu& cpu, Space* space) {
  if (cpu.space == space) return;
  // A full barrier: before the tables are read; partner: the sender of a flush (tlb.cpp).
  (void)__atomic_exchange_n(&cpu.space, space, __ATOMIC_SEQ_CST);
  write_cr3(space != nullptr ? space->tables.root() : kernel_tables().root());
}

void begin_slice(Cpu& cpu) {
  const bool shared = cpu.thread != nullptr && !cpu.queue.empty();
  const uint64_t asked = boot_params().schedule_hz;
  cpu.slice_end = shared ? port::ticks() + boot_params().tsc_hz / (asked != 0 ? asked : usual_slices_per_second) : 0;
}

/// The CPU gets another thread; null: none. Under its lock, which finish_switch() lets go of.
void switch_to(Cpu& cpu, ThreadState* from, ThreadState* to) {
  const uint64_t now = port::ticks();
  if (from != nullptr) {
    __atomic_store_n(&from->ticks, from->ticks + (now - cpu.run_since), __ATOMIC_RELAXED);
    if (from->space != nullptr) save_user_state(*from);
  }
  cpu.previous = from != nullptr ? &from->thread : nullptr;
  cpu.thread = to != nullptr ? &to->thread : nullptr;
  cpu.reschedule = 0;
  cpu.run_since = now;
  if (to != nullptr) {
    cpu.kernel_stack_top = to->thread.kernel_stack_top;
    cpu.tss.rsp[0] = to->thread.kernel_stack_top - interrupt_frame_offset;
    to->cpu = &cpu;
    __atomic_store_n(&to->on_cpu, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&to->run, Run::running, __ATOMIC_RELAXED);
  }
  load_space(cpu, to != nullptr ? to->space : nullptr);
  if (to != nullptr && to->space != nullptr) load_user_state(*to);
  x86_switch(from != nullptr ? &from->rsp : &cpu.idle_rsp, to != nullptr ? to->rsp : cpu.idle_rsp);
  finish_switch();
}

/// Leaves the CPU; `waits`: but wants it, or another one, again.
void leave_cpu(bool waits) {
  Cpu& cpu = this_cpu();
  cpu.lock.lock();
  ThreadState& state = running_thread_state();
  if (waits && may_run_on(state, cpu)) {
    if (cpu.queue.empty()) {
      cpu.reschedule = 0;
      cpu.lock.unlock();
      return;
    }
    __atomic_store_n(&state.run, Run::queued, __ATOMIC_RELAXED);
    cpu.queue.push(state);
    if (state.space != nullptr)
      __atomic_add_fetch(&state.space->involuntary_switches, 1, __ATOMIC_RELAXED);
  } else {
    state.moving = waits;
    if (!waits && state.space != nullptr) __atomic_add_fetch(&state.space->voluntary_switches, 1, __ATOMIC_RELAXED);
  }
  Runnable* const next = cpu.queue.pop();
  if (next == &state) {  // nobody is more urgent
    __atomic_store_n(&state.run, Run::running, __ATOMIC_RELAXED);
    cpu.reschedule = 0;
    begin_slice(cpu);
    cpu.lock.unlock();
    set_next_timer(cpu);
    return;
  }
  switch_to(cpu, &state, next != nullptr ? &thread_state(*next) : nullptr);
}

/// How many share a CPU; -1: it takes none.
int load_of(uint32_t number) {
  const Cpu& cpu = cpus[number];
  if (__atomic_load_n(&cpu.state, __ATOMIC_RELAXED) != CpuState::online) return -1;
  const bool runs = __atomic_load_n(&cpu.thread, __ATOMIC_RELAXED) != nullptr;
  return static_cast<int>(cpu.queue.length()) + (runs ? 1 : 0);
}

/// Where it is to wait: on the boot CPU if there is no other for it.
Cpu& place_for(ThreadState& state) {
  uint64_t allowed[4];
  {
    SpinGuard guard(state.placement);
    for (int i = 0; i < 4; ++i) allowed[i] = state.allowed[i];
  }
  const int chosen = choose_cpu(allowed, state.cpu->number, load_of);
  return chosen < 0 ? boot_cpu() : cpus[chosen];
}

/// False: the CPU takes no threads any more.
bool enqueue(Cpu& cpu, ThreadState& state) {
  bool must_look = false;
  {
    SpinGuard guard(cpu.lock);
    if (cpu.state != CpuState::online) return false;
    __atomic_store_n(&state.run, Run::queued, __ATOMIC_RELAXED);
    state.cpu = &cpu;
    cpu.queue.push(state);
    // It looks by itself when its thread sleeps or its turn ends; but an idle one sleeps, and one thread alone has no
    // turn.
    must_look = cpu.thread == nullptr || cpu.queue.length() == 1 || state.urgent;
    if (state.urgent && cpu.thread != nullptr) __atomic_store_n(&cpu.reschedule, 1, __ATOMIC_RELAXED);
  }
  if (must_look) poke(cpu);
  return true;
}

/// An idle CPU takes over somebody who waits for another one.
bool steal(Cpu& cpu) {
  for (Cpu& other : cpus) {
    if (&other == &cpu || other.queue.empty()) continue;
    Runnable* item = nullptr;
    {
      SpinGuard guard(other.lock);
      item = other.queue.take([&](Runnable& waiting) { return may_run_on(thread_state(waiting), cpu); });
    }
    if (item == nullptr) continue;
    make_runnable(thread_state(*item));
    return true;
  }
  return false;
}

}  // namespace

bool claim_wakeup(ThreadState& state) {
  Run expected = Run::asleep;
  return __atomic_compare_exchange_n(&state.run, &expected, Run::waking, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

void make_runnable(ThreadState& state) {
  const InterruptsOff off;
  // acquire: its registers are saved; partner: the release in finish_switch.
  while (__atomic_load_n(&state.on_cpu, __ATOMIC_ACQUIRE) != 0) port::relax();
  while (!enqueue(place_for(state), state)) port::relax();
}

void leave_cpu_asleep() { leave_cpu(false); }
void yield_cpu() { leave_cpu(true); }

void end_running_thread() {
  asm volatile("cli");
  __atomic_store_n(&running_thread_state().run, Run::ended, __ATOMIC_RELAXED);
  leave_cpu(false);
  __builtin_unreachable();
}

void finish_switch() {
  Cpu& cpu = this_cpu();
  Thread* const previous = cpu.previous;
  cpu.previous = nullptr;
  begin_slice(cpu);
  cpu.lock.unlock();
  set_next_timer(cpu);
  if (previous == nullptr) return;
  ThreadState& state = state_of(*previous);
  const bool moving = state.moving;
  const bool ended = __atomic_load_n(&state.run, __ATOMIC_RELAXED) == Run::ended;
  state.moving = false;
  __atomic_store_n(&state.on_cpu, 0, __ATOMIC_RELEASE);  // partner: make_runnable
  if (moving) make_runnable(state);
  // The last use of its stack; partner: collect_departed().
  if (ended) __atomic_store_n(&previous->port_tid, 0, __ATOMIC_RELEASE);
}

void run_idle_loop() {
  while (true) {
    asm volatile("cli" : : : "memory");
    Cpu& cpu = this_cpu();
    cpu.lock.lock();
    if (Runnable* const next = cpu.queue.pop()) {
      switch_to(cpu, nullptr, &thread_state(*next));
      continue;
    }
    cpu.reschedule = 0;
    const bool draining = cpu.state == CpuState::draining;
    cpu.lock.unlock();
    if (draining) stop_running_cpu();
    if (steal(cpu)) continue;
    set_next_timer(cpu);
    asm volatile("sti\n\thlt" : : : "memory");  // an interrupt that came since `cli` ends it at once
  }
}

bool may_run_on(ThreadState& state, const Cpu& cpu) {
  if (__atomic_load_n(&cpu.state, __ATOMIC_RELAXED) != CpuState::online) return false;
  SpinGuard guard(state.placement);
  return (state.allowed[cpu.number / 64] >> cpu.number % 64 & 1) != 0;
}

void allow_cpus(ThreadState& state, const uint64_t mask[4]) {
  {
    SpinGuard guard(state.placement);
    for (int i = 0; i < 4; ++i) state.allowed[i] = mask[i];
  }
  if (&state.thread == &port::current()) {
    const InterruptsOff off;
    if (!may_run_on(state, this_cpu())) yield_cpu();
    return;
  }
  bool waits = false, wrong = false;
  Cpu& cpu = *__atomic_load_n(&state.cpu, __ATOMIC_ACQUIRE);
  {
    SpinGuard guard(cpu.lock);
    waits = state.cpu == &cpu && state.run == Run::queued && state.linked();
    if (waits) cpu.queue.remove(state);
    wrong = cpu.thread == &state.thread && !may_run_on(state, cpu);
    if (wrong) __atomic_store_n(&cpu.reschedule, 1, __ATOMIC_RELAXED);
  }
  if (waits) make_runnable(state);
  if (wrong) poke(cpu);
}

void poke(Cpu& cpu) {
  const InterruptsOff off;
  if (&cpu == &this_cpu()) take_wake_interrupt();
  else send_interrupt(cpu.apic_id, vector_wake);
}

void take_wake_interrupt() {
  Cpu& cpu = this_cpu();
  if (cpu.slice_end == 0) begin_slice(cpu);
  set_next_timer(cpu);
}

void take_timer_interrupt() {
  Cpu& cpu = this_cpu();
  cpu.timer_at = 0;
  List<Runnable> woken;
  claim_due(cpu, woken);
  while (Runnable* const item = woken.pop_front()) make_runnable(thread_state(*item));
  if (cpu.slice_end != 0 && port::ticks() >= cpu.slice_end) {
    cpu.slice_end = 0;
    if (!cpu.queue.empty()) __atomic_store_n(&cpu.reschedule, 1, __ATOMIC_RELAXED);
  }
  set_next_timer(cpu);
}

void set_next_timer(Cpu& cpu) {
  uint64_t at = first_deadline(cpu);
  if (cpu.slice_end != 0 && (at == 0 || cpu.slice_end < at)) at = cpu.slice_end;
  if (at == 0 && cpu.timer_at == 0) return;
  cpu.timer_at = at;
  set_timer(at);
}

}  // namespace hobbes::lwk::x86
