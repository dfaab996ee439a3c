// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/x86_64/deadlines.hpp"

#include "cokernel/kernel/clock.hpp"

namespace hobbes::lwk::x86 {
namespace {

constexpr int64_t longest_ns = 10 * ns_per_second;  // then another look

/// The time-stamp counter `ns` from now.
uint64_t ticks_in(int64_t ns) {
  constexpr int shift = 30;
  const uint64_t per_ns = (boot_params().tsc_hz << shift) / ns_per_second;
  __extension__ using Wide = unsigned __int128;
  const auto wait = static_cast<Wide>(ns <= 0 ? 0 : min(ns, longest_ns));
  return port::ticks() + static_cast<uint64_t>(wait * per_ns >> shift) + 1;
}

/// Under its lock.
void insert(Cpu& cpu, Sleeper& sleeper) {
  __atomic_store_n(&sleeper.deadline_cpu, &cpu, __ATOMIC_RELEASE);
  for (Sleeper& other : cpu.deadlines)
    if (other.deadline_ns > sleeper.deadline_ns) return cpu.deadlines.insert_before(other, sleeper);
  cpu.deadlines.push_back(sleeper);
}

}  // namespace

void add_deadline(Sleeper& sleeper) {
  Cpu& cpu = this_cpu();
  SpinGuard guard(cpu.deadline_lock);
  insert(cpu, sleeper);
}

void remove_deadline(Sleeper& sleeper) {
  while (true) {
    Cpu* const cpu = __atomic_load_n(&sleeper.deadline_cpu, __ATOMIC_ACQUIRE);
    if (cpu == nullptr) return;
    SpinGuard guard(cpu->deadline_lock);
    if (__atomic_load_n(&sleeper.deadline_cpu, __ATOMIC_RELAXED) != cpu) continue;
    sleeper.SleeperDeadline::unlink();
    return;
  }
}

void claim_due(Cpu& cpu, List<Runnable>& woken) {
  const int64_t now = monotonic_ns();
  SpinGuard guard(cpu.deadline_lock);
  while (Sleeper* const sleeper = cpu.deadlines.front()) {
    if (sleeper->deadline_ns > now) return;
    sleeper->SleeperDeadline::unlink();
    // Under the lock, without which the sleeper does not go on and end.
    if (claim_wakeup(sleeper->state)) woken.push_back(sleeper->state);
  }
}

uint64_t first_deadline(Cpu& cpu) {
  SpinGuard guard(cpu.deadline_lock);
  const Sleeper* const sleeper = cpu.deadlines.front();
  return sleeper == nullptr ? 0 : ticks_in(sleeper->deadline_ns - monotonic_ns());
}

void move_deadlines(Cpu& from) {
  {
    SpinGuard guard(from.deadline_lock);
    SpinGuard target(boot_cpu().deadline_lock);
    while (Sleeper* const sleeper = from.deadlines.pop_front()) insert(boot_cpu(), *sleeper);
  }
  poke(boot_cpu());
}

}  // namespace hobbes::lwk::x86
