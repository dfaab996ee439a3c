// SPDX-License-Identifier: Apache-2.0
// No idle time is missed, by Dekker's scheme:
//
//        a thread that goes to sleep                 the idle task
//   T1   busy -= 1                              I1   asleep = 1
//        ---- sequentially consistent ----           ---- sequentially consistent ----
//   T2   asleep was 1: wakes it                 I2   busy >= CPUs, or nothing to do: sleeps
#include "cokernel/kernel/idle.hpp"

#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/process_table.hpp"

namespace hobbes::lwk {
namespace {

int32_t busy = 0;     // threads of programs that run or could
uint32_t asleep = 0;  // the idle task sleeps, or is about to: a futex word

bool has_work() { return page_allocator().has_dirty() && has_idle_time(1); }

bool counts(const Thread& thread) { return thread.process != &init_process(); }

/// Wherever there is room: programs move while it sleeps.
void run_on_any_cpu(Thread& self) {
  uint64_t mask[4];
  allowed_cpus(self, mask);
  port::set_affinity(self, mask);
}

}  // namespace

void count_busy_thread(const Thread& thread) {
  if (counts(thread)) __atomic_add_fetch(&busy, 1, __ATOMIC_SEQ_CST);
}

void count_idle_thread(const Thread& thread) {
  if (!counts(thread)) return;
  __atomic_sub_fetch(&busy, 1, __ATOMIC_SEQ_CST);
  offer_idle_time();
}

bool has_idle_time(int32_t more) {
  return __atomic_load_n(&busy, __ATOMIC_SEQ_CST) + more <= static_cast<int32_t>(cpu_count());
}

void offer_idle_time() {
  if (!has_work() || __atomic_load_n(&asleep, __ATOMIC_SEQ_CST) == 0) return;
  if (__atomic_exchange_n(&asleep, 0, __ATOMIC_SEQ_CST) == 1) port::wake(&asleep, 1);
}

void run_idle_task(Thread& self) {
  while (true) {
    __atomic_store_n(&asleep, 1, __ATOMIC_SEQ_CST);
    while (!has_work() && __atomic_load_n(&asleep, __ATOMIC_SEQ_CST) == 1) port::wait(&asleep, 1, never);
    __atomic_store_n(&asleep, 0, __ATOMIC_SEQ_CST);
    run_on_any_cpu(self);
    while (has_work() && page_allocator().zero_some()) port::yield();  // the kernel's own threads have work, too
  }
}

}  // namespace hobbes::lwk
