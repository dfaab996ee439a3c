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

Mutex lock;
Cpu cpus[max_cpus];

void present_mask(uint64_t mask[4]) {
  Guard guard(lock);
  memset(mask, 0, 4 * sizeof(uint64_t));
  for (uint32_t i = 0; i < max_cpus; ++i)
    if (cpus[i].present) mask[i / 64] |= 1ull << i % 64;
}

bool any(const uint64_t mask[4]) { return (mask[0] | mask[1] | mask[2] | mask[3]) != 0; }

}  // namespace

void start_cpus() {
  const hobbes_boot_params& boot = boot_params();
  for (uint32_t i = 0; i < boot.cpu_count && i < max_cpus; ++i) cpus[i] = {true, boot.cpus[i]};
}

int add_cpu(const hobbes_boot_cpu& cpu) {
  Guard guard(lock);
  int slot = -ENOSPC;
  for (uint32_t i = max_cpus; i > 0; --i)
    if (!cpus[i - 1].present) slot = static_cast<int>(i - 1);
  if (slot >= 0) cpus[slot] = {true, cpu};
  return slot;
}

int remove_cpu(uint32_t cpu_id) {
  {
    Guard guard(lock);
    uint32_t count = 0;
    Cpu* found = nullptr;
    for (Cpu& cpu : cpus) {
      if (!cpu.present) continue;
      ++count;
      if (cpu.machine.cpu_id == cpu_id) found = &cpu;  // of several shares of a CPU the last goes first
    }
    if (found == nullptr) return -ENOENT;
    if (count == 1) return -EBUSY;
    found->present = false;
  }
  Guard guard(process_lock());
  for (Process& process : all_processes())
    for (Thread& thread : process.threads) {
      uint64_t mask[4];
      allowed_cpus(thread, mask);
      port::set_affinity(thread, mask);
    }
  return 0;
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
    if (!cpus[i].present || cpus[i].machine.cpu_id != machine || (mask[i / 64] >> i % 64 & 1) == 0) continue;
    cpu = i;
    node = cpus[i].machine.numa < 0 ? 0 : static_cast<uint32_t>(cpus[i].machine.numa);
    return;
  }
}

}  // namespace hobbes::lwk
