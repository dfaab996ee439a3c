// SPDX-License-Identifier: Apache-2.0
// One request at a time. Its sender keeps interrupts on while it waits, for its turn and for the answers, so that two
// CPUs that ask at once answer each other.
//
//        this CPU changes the tables            another one takes up the address space
//   A1   entry = new                       B1   cpu.space = &space
//        ---- full barrier ----                 ---- full barrier (locked instruction) ----
//   A2   cpu.space == &space: asks it      B2   loads CR3, reads entries
#include "cokernel/arch/x86_64/tlb.hpp"

#include "cokernel/arch/x86_64/apic.hpp"
#include "cokernel/arch/x86_64/cpu.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk::x86 {
namespace {

constexpr uint64_t most_pages = 32;  // one by one; more: all of the address space

struct Request {
  enum What { range, whole_space, kernel, barrier } what;
  uint64_t address, size;
};

uint32_t busy = 0;      // atomic: somebody's request is under way
uint32_t unanswered;    // atomic
Request request;

void flush_everything() {
  // Global entries, too.
  const uint64_t cr4 = read_cr4();
  write_cr4(cr4 & ~cr4_pge);
  write_cr4(cr4);
  write_cr3(read_cr3());
}

void carry_out() {
  switch (request.what) {
    case Request::range:
      for (uint64_t at = 0; at < request.size; at += page_size) invalidate_page(request.address + at);
      break;
    case Request::whole_space: write_cr3(read_cr3()); break;
    case Request::kernel: flush_everything(); break;
    case Request::barrier: __atomic_thread_fence(__ATOMIC_SEQ_CST); break;
  }
}

bool concerns(Cpu& cpu, const Space* space) {
  if (__atomic_load_n(&cpu.state, __ATOMIC_ACQUIRE) == CpuState::absent) return false;
  return space == nullptr || __atomic_load_n(&cpu.space, __ATOMIC_SEQ_CST) == space;
}

void ask(const Space* space, const Request& wanted) {
  // acquire: partner is the release at the end. With interrupts on, others' requests are answered meanwhile.
  while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE) != 0) port::relax();
  request = wanted;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);  // A1 before A2
  {
    const InterruptsOff off;  // this CPU stays this CPU, and is not asked
    Cpu& self = this_cpu();
    for (Cpu& cpu : cpus) {
      if (!concerns(cpu, space)) continue;
      if (&cpu == &self) {
        carry_out();
        continue;
      }
      __atomic_add_fetch(&unanswered, 1, __ATOMIC_RELAXED);
      __atomic_store_n(&cpu.flush_pending, 1, __ATOMIC_RELEASE);  // partner: answer_flush
      send_interrupt(cpu.apic_id, vector_flush);
    }
  }
  while (__atomic_load_n(&unanswered, __ATOMIC_ACQUIRE) != 0) port::relax();
  __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

}  // namespace

void flush_translations(const Space& space, uint64_t address, uint64_t size) {
  const bool few = size <= most_pages * page_size;
  ask(&space, {few ? Request::range : Request::whole_space, address, size});
}

void flush_kernel_translations() { ask(nullptr, {Request::kernel, 0, 0}); }
void barrier_on_cpus(const Space* space) { ask(space, {Request::barrier, 0, 0}); }

uint32_t& leave_flushes(Cpu& cpu) {
  while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE) != 0)
    if (__atomic_load_n(&cpu.flush_pending, __ATOMIC_ACQUIRE) != 0) answer_flush();
  return busy;
}

void answer_flush() {
  Cpu& self = this_cpu();
  if (__atomic_exchange_n(&self.flush_pending, 0, __ATOMIC_ACQUIRE) == 0) return;
  carry_out();
  __atomic_sub_fetch(&unanswered, 1, __ATOMIC_RELEASE);  // partner: the acquire in ask
}

}  // namespace hobbes::lwk::x86
