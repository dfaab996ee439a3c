// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/x86_64/cpu_life.hpp"

#include "cokernel/arch/x86_64/apic.hpp"
#include "cokernel/arch/x86_64/deadlines.hpp"
#include "cokernel/arch/x86_64/entry.hpp"
#include "cokernel/arch/x86_64/tlb.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "kernel-bridge/abi/x86_64.h"

namespace hobbes::lwk {
namespace x86 {
namespace {

constexpr uint64_t idle_stack_size = 16 << 10;
constexpr uint64_t stacks_size = 32 << 10;
static_assert(idle_stack_size + exception_stacks * exception_stack_size <= stacks_size);
constexpr int64_t look_again_ns = 1'000'000;
constexpr int64_t drain_patience_ns = 5 * ns_per_second;

CpuState state_of_cpu(const Cpu& cpu) { return __atomic_load_n(&cpu.state, __ATOMIC_ACQUIRE); }

void pause_thread() {
  uint32_t word = 0;
  port::wait(&word, 0, monotonic_ns() + look_again_ns);
}

/// False: not within `patience_ns`.
bool wait_for_state(const Cpu& cpu, CpuState wanted, int64_t patience_ns) {
  const int64_t deadline = monotonic_ns() + patience_ns;
  while (state_of_cpu(cpu) != wanted) {
    if (monotonic_ns() >= deadline) return false;
    pause_thread();
  }
  return true;
}

/// False: the CPU has taken it.
bool withdraw(Offer& offer) {
  uint32_t made = Offer::offer_made;
  return __atomic_compare_exchange_n(&offer.state, &made, Offer::offer_none, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/// Whoever waits for the CPU waits for another one.
void send_away_waiting(Cpu& cpu) {
  while (true) {
    Runnable* item = nullptr;
    {
      SpinGuard guard(cpu.lock);
      item = cpu.queue.pop();
    }
    if (item == nullptr) return;
    make_runnable(static_cast<ThreadState&>(*item));
  }
}

void set_state(Cpu& cpu, CpuState state) {
  SpinGuard guard(cpu.lock);
  __atomic_store_n(&cpu.state, state, __ATOMIC_RELEASE);
}

/// It takes threads again, unless it has just stopped. False: it has.
bool take_back(Cpu& cpu) {
  SpinGuard guard(cpu.lock);
  if (state_of_cpu(cpu) == CpuState::absent) return false;
  __atomic_store_n(&cpu.state, CpuState::online, __ATOMIC_RELEASE);
  return true;
}

bool is_in_use(uint32_t apic_id) {
  for (const Cpu& cpu : cpus)
    if (state_of_cpu(cpu) != CpuState::absent && cpu.apic_id == apic_id) return true;
  return false;
}

}  // namespace

int prepare_cpu(Cpu& cpu, uint32_t number, const hobbes_boot_cpu& machine, uint64_t idle_stack_top) {
  // They stay the CPU's when it goes: it may be halting on them.
  if (cpu.stacks == nullptr) cpu.stacks = static_cast<char*>(allocate(stacks_size));
  if (cpu.stacks == nullptr) return -ENOMEM;
  auto top = reinterpret_cast<uint64_t>(cpu.stacks);
  for (uint32_t i = 0; i < exception_stacks; ++i) cpu.tss.ist[i] = top += exception_stack_size;
  cpu.tss.io_map = sizeof(Tss);
  cpu.idle_stack_top = idle_stack_top != 0 ? idle_stack_top : reinterpret_cast<uint64_t>(cpu.stacks) + stacks_size;
  cpu.number = number;
  cpu.apic_id = machine.apic_id;
  cpu.machine_id = machine.cpu_id;
  cpu.thread = nullptr;
  cpu.space = nullptr;
  cpu.slice_end = cpu.timer_at = 0;
  return 0;
}

void stop_running_cpu() {
  Cpu& cpu = this_cpu();
  stop_apic();
  x86_stop_cpu(reinterpret_cast<uint32_t*>(&cpu.state), &leave_flushes(cpu));
}

}  // namespace x86

int port::attach_cpu(uint32_t logical, const hobbes_boot_cpu& machine) {
  using namespace x86;
  if (is_in_use(machine.apic_id)) return -EEXIST;
  Cpu& cpu = cpus[logical];
  if (const int error = prepare_cpu(cpu, logical, machine, 0); error != 0) return error;
  Offer& offer = x86_offers[logical];
  offer.apic_id = machine.apic_id;
  offer.cpu = &cpu;
  __atomic_store_n(&offer.state, Offer::offer_made, __ATOMIC_RELEASE);  // partner: x86_start's exchange
  if (!wait_for_state(cpu, CpuState::online, HOBBES_X86_ARRIVAL_NS) && withdraw(offer)) return -ETIMEDOUT;
  while (state_of_cpu(cpu) != CpuState::online) pause_thread();  // it is on its way
  offer.state = Offer::offer_none;
  return 0;
}

int port::detach_cpu(uint32_t logical) {
  using namespace x86;
  Cpu& cpu = cpus[logical];
  if (&cpu == &boot_cpu()) return -EBUSY;
  set_state(cpu, CpuState::draining);
  send_away_waiting(cpu);
  __atomic_store_n(&cpu.reschedule, 1, __ATOMIC_RELEASE);
  poke(cpu);
  if (!wait_for_state(cpu, CpuState::absent, drain_patience_ns) && take_back(cpu)) return -EBUSY;
  move_deadlines(cpu);
  return 0;
}

}  // namespace hobbes::lwk

void x86_secondary_main(hobbes::lwk::x86::Cpu* cpu) {
  using namespace hobbes::lwk::x86;
  start_cpu(*cpu);
  start_apic();
  // release: it is ready for threads and interrupts; partner: attach_cpu, and everybody's look for a CPU.
  __atomic_store_n(&cpu->state, CpuState::online, __ATOMIC_RELEASE);
  run_idle_loop();
}
