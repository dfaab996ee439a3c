// SPDX-License-Identifier: Apache-2.0
// Cpu: what the kernel keeps for each CPU of the enclave, by logical number; GS points at it while the kernel runs.
#pragma once

#include "cokernel/arch/x86_64/features.hpp"
#include "cokernel/arch/x86_64/spinlock.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/run_queue.hpp"

namespace hobbes::lwk::x86 {

struct Space;
struct Sleeper;
struct SleeperDeadline : ListNode {};

/// Task-state segment: where the CPU finds stacks.
struct [[gnu::packed]] Tss {
  uint32_t reserved0;
  uint64_t rsp[3];
  uint64_t reserved1;
  uint64_t ist[7];
  uint64_t reserved2;
  uint16_t reserved3, io_map;
};
static_assert(sizeof(Tss) == 104);

/// Segment selectors. The order is what syscall and sysret want, and the user's are Linux's.
enum Selector : uint16_t {
  kernel_code = 0x10, kernel_data = 0x18, user_code32 = 0x23, user_data = 0x2b, user_code = 0x33, task = 0x38,
};
inline constexpr uint32_t descriptor_count = 9;

/// Stacks of exceptions that may come when no other stack is to be trusted. Numbers of Tss.ist, from 1.
enum ExceptionStack : uint8_t { stack_double_fault = 1, stack_nmi = 2, stack_machine_check = 3 };
inline constexpr uint32_t exception_stacks = 3;
inline constexpr uint64_t exception_stack_size = 4096;

enum class CpuState : uint32_t {
  absent,    ///< not ours, or halted
  online,    ///< takes threads
  draining,  ///< gives its threads away, then halts
};

struct Cpu : Immovable {
  // entry.S knows these.
  Cpu* self = this;               // +0
  Thread* thread = nullptr;       // +8  the running one; of the idle loop: null
  uint64_t kernel_stack_top = 0;  // +16 of the running thread
  uint64_t user_rsp = 0;          // +24 scratch of the way in
  uint32_t reschedule = 0;        // +32 atomic: look for another thread before going to user mode

  // Constant while it is not absent.
  uint32_t number = 0;          // +36 logical
  uint64_t idle_stack_top = 0;  // +40
  uint32_t apic_id = 0;
  uint32_t machine_id = 0;  ///< Linux's number
  char* stacks = nullptr;   ///< from the kernel heap: the idle loop's, and those of exceptions

  CpuState state = CpuState::absent;  ///< atomic; towards draining under `lock`
  Space* space = nullptr;             ///< atomic: whose page tables it has loaded; null: the kernel's

  SpinLock lock;  ///< guards the queue, and is held across a switch of threads
  RunQueue queue;
  uint64_t slice_end = 0;     ///< ticks; 0: nobody shares this CPU. The CPU's own
  uint64_t timer_at = 0;      ///< ticks; 0: no interrupt is due. The CPU's own
  Thread* previous = nullptr; ///< who ran before, until the switch is over
  uint64_t idle_rsp = 0;      ///< of the idle loop while a thread runs
  uint64_t run_since = 0;     ///< ticks: when the running thread got the CPU

  SpinLock deadline_lock;
  List<Sleeper, SleeperDeadline> deadlines;  ///< soonest first

  uint32_t flush_pending = 0;  ///< atomic: it owes an answer to a request of tlb.cpp

  uint64_t descriptors[descriptor_count] = {};
  alignas(16) Tss tss = {};
};

extern Cpu cpus[max_cpus];
inline Cpu& boot_cpu() { return cpus[0]; }

/// The running CPU. Only with interrupts off, or where it does not matter that the thread may move.
inline Cpu& this_cpu() {
  Cpu* cpu;
  asm volatile("mov %%gs:0, %0" : "=r"(cpu));
  return *cpu;
}

/// Control registers, descriptor tables, MSRs: the running CPU becomes `cpu`.
void start_cpu(Cpu& cpu);

}  // namespace hobbes::lwk::x86
