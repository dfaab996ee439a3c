// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/cpus.hpp"

#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {
namespace {

struct Cpu {
  bool present;
  hobbes_boot_cpu machine;
};

Mutex changing;  // one CPU comes or goes at a time; before process_lock and lock
Mutex lock;
Cpu cpus[max_cpus];

void present_mask(uint64_t mask[4]) {
  Guard guard(lock);
  memset(mask, 0, 4 * sizeof(uint64_t));
  for (uint32_t i = 0; i < max_cpus; ++i)
    if (cpus[i].present) mask[i / 64] |= 1ull << i % 64;
}

bool any(const uint64_t mask[4]) { return (mask[0] | mask[1] | mask[2] | mask[3]) != 0; }
bool contains(const uint64_t mask[4], uint32_t cpu) { return (mask[cpu / 64] >> cpu % 64 & 1) != 0; }

/// After the CPUs have changed. A thread that starts now comes before or after us, under the same lock.
void place_all_threads() {
  Guard guard(process_lock());
  for (Process& process : all_processes()) {
    if (&process == &init_process()) continue;  // the kernel's own stay on the CPU it booted on
    for (Thread& thread : process.threads) place_thread(thread);
  }
}

}  // namespace

void start_cpus() {
  const hobbes_boot_params& boot = boot_params();
  for (uint32_t i = 0; i < boot.cpu_count && i < max_cpus; ++i) cpus[i] = {true, boot.cpus[i]};
}

int add_cpu(const hobbes_boot_cpu& cpu) {
  Guard change(changing);
  int slot = -ENOSPC;
  {
    Guard guard(lock);
    for (uint32_t i = max_cpus; i > 0; --i)
      if (!cpus[i - 1].present) slot = static_cast<int>(i - 1);
  }
  if (slot < 0) return slot;
  if (const int error = port::attach_cpu(static_cast<uint32_t>(slot), cpu); error != 0) return error;
  {
    Guard guard(lock);
    cpus[slot] = {true, cpu};
  }
  place_all_threads();
  return slot;
}

int remove_cpu(uint32_t cpu_id) {
  Guard change(changing);
  Cpu* found = nullptr;
  {
    Guard guard(lock);
    uint32_t count = 0;
    for (Cpu& cpu : cpus) {
      if (!cpu.present) continue;
      ++count;
      if (cpu.machine.cpu_id == cpu_id) found = &cpu;  // of several shares of a CPU the last goes first
    }
    if (found == nullptr) return -ENOENT;
    if (count == 1) return -EBUSY;
    found->present = false;
  }
  place_all_threads();
  const int error = port::detach_cpu(static_cast<uint32_t>(found - cpus));
  if (error == 0) return 0;
  {
    Guard guard(lock);
    found->present = true;
  }
  place_all_threads();
  return error;
}

void place_thread(Thread& thread) {
  uint64_t mask[4];
  allowed_cpus(thread, mask);
  port::set_affinity(thread, mask);
}

uint32_t cpu_count() {
  Guard guard(lock);
  uint32_t count = 0;
  for (const Cpu& cpu : cpus) count += cpu.present ? 1 : 0;
  return count;
}

int machine_cpu(uint32_t logical) {
  Guard guard(lock);
  return logical < max_cpus && cpus[logical].present ? static_cast<int>(cpus[logical].machine.cpu_id) : -1;
}

void allowed_cpus(const Thread& thread, uint64_t mask[4]) {
  uint64_t wanted[4];
  present_mask(mask);
  for (int i = 0; i < 4; ++i) wanted[i] = mask[i] & thread.affinity[i];
  if (any(wanted)) memcpy(mask, wanted, sizeof(wanted));
}

bool has_cpus(const uint64_t mask[4]) {
  uint64_t ours[4];
  present_mask(ours);
  uint64_t missing = 0;
  for (int i = 0; i < 4; ++i) missing |= mask[i] & ~ours[i];
  return missing == 0;
}

void share_of_cpus(const uint64_t wanted[4], uint32_t part, uint32_t parts, uint64_t share[4]) {
  // CPUs that come later are anybody's who did not ask for some.
  for (int i = 0; i < 4; ++i) share[i] = any(wanted) ? wanted[i] : ~0ull;
  uint64_t cpus_to_share[4];
  present_mask(cpus_to_share);
  uint32_t count = 0;
  for (int i = 0; i < 4; ++i) cpus_to_share[i] &= share[i];
  for (uint32_t cpu = 0; cpu < max_cpus; ++cpu) count += contains(cpus_to_share, cpu) ? 1 : 0;
  if (parts <= 1 || count < parts) return;
  const uint64_t first = uint64_t{part} * count / parts, end = (uint64_t{part} + 1) * count / parts;
  uint32_t seen = 0;
  memset(share, 0, 4 * sizeof(uint64_t));
  for (uint32_t cpu = 0; cpu < max_cpus; ++cpu) {
    if (!contains(cpus_to_share, cpu)) continue;
    if (seen >= first && seen < end) share[cpu / 64] |= 1ull << cpu % 64;
    ++seen;
  }
}

int pin_thread(Thread& thread, const uint64_t mask[4]) {
  uint64_t ours[4];
  present_mask(ours);
  for (int i = 0; i < 4; ++i) ours[i] &= mask[i];
  if (!any(ours)) return -EINVAL;
  memcpy(thread.affinity, mask, sizeof(thread.affinity));
  port::set_affinity(thread, ours);
  return 0;
}

void where_is(Thread& self, uint32_t& cpu, uint32_t& node) {
  const uint32_t machine = port::machine_cpu();
  cpu = node = 0;
  uint64_t mask[4];
  allowed_cpus(self, mask);
  Guard guard(lock);
  for (uint32_t i = 0; i < max_cpus; ++i) {
    if (!cpus[i].present || cpus[i].machine.cpu_id != machine || !contains(mask, i)) continue;
    cpu = i;
    node = cpus[i].machine.numa < 0 ? 0 : static_cast<uint32_t>(cpus[i].machine.numa);
    return;
  }
}

}  // namespace hobbes::lwk
